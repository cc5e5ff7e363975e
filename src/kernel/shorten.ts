/** What a stranger sent, as it may stand in a message: whole where it is short, or its beginning. */
export const shorten = (text: string, most = 80): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`)
