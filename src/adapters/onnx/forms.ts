/** What a file that is given for a model, and is none, looks like by its first bytes: nothing of it is unpacked. */

export interface Form {
  /** 'a pickle' */
  readonly what: string
  readonly fix: string
}

const exported = 'Export the model to ONNX: skl2onnx, onnxmltools or torch.onnx.export; or log it with mlflow.onnx.'
const other = 'Name the ONNX file.'

const magics: readonly (readonly [hex: string, at: number, what: string, fix: string])[] = [
  ['504b0304', 0, 'a zip archive', 'Unpack it, or, if PyTorch saved it, export the model: torch.onnx.export.'],
  ['504b0506', 0, 'an empty zip archive', other],
  ['1f8b', 0, 'a gzip archive', 'Unpack it.'],
  ['425a68', 0, 'a bzip2 archive', 'Unpack it.'],
  ['fd377a585a00', 0, 'an xz archive', 'Unpack it.'],
  ['28b52ffd', 0, 'a zstd archive', 'Unpack it.'],
  ['377abcaf271c', 0, 'a 7z archive', 'Unpack it.'],
  ['7573746172', 257, 'a tar archive', 'Unpack it.'],
  ['894844460d0a1a0a', 0, 'an HDF5 file, such as Keras writes', exported],
  ['934e554d5059', 0, 'a NumPy array', exported],
  ['50415231', 0, 'a Parquet file', other],
  ['54464c33', 4, 'a TensorFlow Lite model', exported],
  ['4f52544d', 4, 'a model in the form of ONNX Runtime', 'Give the ONNX file that it was made of.'],
  ['89504e47', 0, 'a picture', other],
  ['ffd8ff', 0, 'a picture', other],
  ['25504446', 0, 'a PDF', other],
  ['7f454c46', 0, 'a program', other],
]

/** Null where it could be a model. */
export function formOf(head: Uint8Array): Form | null {
  if (head.length === 0) return { what: 'empty', fix: 'Export the model again.' }
  const hex = Buffer.from(head).toString('hex')
  for (const [magic, at, what, fix] of magics) if (hex.startsWith(magic, at * 2)) return { what, fix }
  // Protocols 2 to 5 begin with their number; the older ones are texts of instructions.
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5)
    return { what: 'a pickle, which could run anything when it is loaded', fix: exported }
  return isText(head) ? textForm(Buffer.from(head).toString('utf8')) : null
}

/** UTF-8 without control characters; a protocol buffer has some at once. */
function isText(head: Uint8Array): boolean {
  try {
    // The last character may be cut.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
  } catch {
    return false
  }
  return head.every((byte) => (byte >= 32 && byte !== 127) || (byte >= 9 && byte <= 13))
}

function textForm(text: string): Form {
  const start = text.trimStart()
  if (/^(c[\w.]+\n\w+\n|\(lp\d|\(dp\d|\(i[\w.]+\n)/.test(start))
    return { what: 'a pickle, which could run anything when it is loaded', fix: exported }
  if (start.startsWith('version https://git-lfs'))
    return { what: 'a pointer of Git LFS in place of a file', fix: 'Run `git lfs pull`.' }
  if (/^<(!doctype|html)/i.test(start))
    return { what: 'a web page', fix: 'Download the file itself, and not the page that shows it.' }
  if (/^[[{]/.test(start)) return { what: 'JSON', fix: exported }
  if (/^tree\n/.test(start)) return { what: 'a LightGBM model as text', fix: exported }
  return { what: 'a text', fix: other }
}
