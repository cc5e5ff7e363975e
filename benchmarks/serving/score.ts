/** The probability of the positive class in an answer of Open Inference. */
export const openInferenceScore = ({
  outputs,
}: {
  readonly outputs: readonly { readonly name: string; readonly data: readonly number[] }[]
}): number => outputs.find(({ name }) => name === 'probabilities')!.data[1]!
