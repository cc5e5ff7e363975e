/** Small models of known arithmetic, for tests that need one to answer. */
import type { Constant, ElementType, Graph, Operation, TensorValue } from './onnx.ts'

const rows = (name: string, type: ElementType, ...columns: readonly (number | string)[]): TensorValue => ({
  name,
  type,
  shape: ['rows', ...columns],
})

/** One score a row: weights · x + bias. Takes one tensor, or with `names` a column for each of them. */
export function linear(weights: readonly number[], bias: number, names: readonly string[] = []): Graph {
  const joined: readonly Operation[] =
    names.length === 0 ? [] : [{ op: 'Concat', inputs: names, outputs: ['x'], attributes: { axis: 1 } }]
  return {
    inputs: names.length === 0 ? [rows('x', 'float32', weights.length)] : names.map((name) => rows(name, 'float32', 1)),
    outputs: [rows('score', 'float32', 1)],
    nodes: [
      ...joined,
      { op: 'MatMul', inputs: ['x', 'weights'], outputs: ['weighted'] },
      { op: 'Add', inputs: ['weighted', 'bias'], outputs: ['score'] },
    ],
    constants: [
      { name: 'weights', type: 'float32', shape: [weights.length, 1], data: weights },
      { name: 'bias', type: 'float32', shape: [1], data: [bias] },
    ],
  }
}

/** The probability of a logistic regression, as [rows, 1]. */
export function logistic(weights: readonly number[], bias: number, names: readonly string[] = []): Graph {
  const graph = linear(weights, bias, names)
  return {
    ...graph,
    outputs: [rows('probability', 'float32', 1)],
    nodes: [...graph.nodes, { op: 'Sigmoid', inputs: ['score'], outputs: ['probability'] }],
  }
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** A classifier as scikit-learn exports one: a label and, for each class, a probability; zipped into maps if asked. */
export function classifier(
  weights: readonly number[],
  options: { readonly labels?: readonly string[]; readonly zipmap?: boolean } = {},
): Graph {
  const { labels, zipmap = false } = options
  const probabilities = zipmap ? 'tensor' : 'probabilities'
  const classes: Operation['attributes'] =
    labels === undefined ? { classlabels_ints: { ints: [0, 1] } } : { classlabels_strings: { strings: labels } }
  const zipClasses: Operation['attributes'] =
    labels === undefined ? { classlabels_int64s: { ints: [0, 1] } } : { classlabels_strings: { strings: labels } }
  return {
    inputs: [rows('x', 'float32', weights.length)],
    outputs: [
      rows('label', labels === undefined ? 'int64' : 'string'),
      zipmap
        ? { name: 'probabilities', maps: labels === undefined ? 'int64' : 'string' }
        : rows('probabilities', 'float32', 2),
    ],
    nodes: [
      {
        op: 'LinearClassifier',
        domain: 'ai.onnx.ml',
        inputs: ['x'],
        outputs: ['label', probabilities],
        attributes: {
          coefficients: { floats: [...weights.map((weight) => -weight), ...weights] },
          intercepts: { floats: [0, 0] },
          post_transform: 'LOGISTIC',
          multi_class: 0,
          ...classes,
        },
      },
      ...(zipmap
        ? [
            {
              op: 'ZipMap',
              domain: 'ai.onnx.ml',
              inputs: ['tensor'],
              outputs: ['probabilities'],
              attributes: zipClasses,
            },
          ]
        : []),
    ],
  }
}

/** Gives out of a table by an integer: fails, as a whole call, for one that lies outside of it. */
export function table(values: readonly number[]): Graph {
  return {
    inputs: [rows('place', 'int64', 1)],
    outputs: [rows('score', 'float32', 1)],
    nodes: [{ op: 'Gather', inputs: ['values', 'place'], outputs: ['score'] }],
    constants: [{ name: 'values', type: 'float32', shape: [values.length], data: values } satisfies Constant],
  }
}

/** NaN for what is negative, infinity for 0. */
export const logarithm: Graph = {
  inputs: [rows('x', 'float32', 1)],
  outputs: [rows('score', 'float32', 1)],
  nodes: [{ op: 'Log', inputs: ['x'], outputs: ['score'] }],
}

/** The number that belongs to a text, by a list; -1 for any other. */
export function lookup(texts: readonly string[], values: readonly number[]): Graph {
  return {
    inputs: [rows('word', 'string', 1)],
    outputs: [rows('score', 'float32', 1)],
    nodes: [
      {
        op: 'LabelEncoder',
        domain: 'ai.onnx.ml',
        inputs: ['word'],
        outputs: ['score'],
        attributes: {
          keys_strings: { strings: texts },
          values_floats: { floats: values },
          default_float: { float: -1 },
        },
      },
    ],
  }
}

/**
 * Gives the number that it is given, after multiplying two square matrices with as many rows as the largest of a call: 1,000 takes some
 * ten milliseconds, 5,000 more than a second.
 */
export const slow: Graph = {
  inputs: [rows('n', 'int64', 1)],
  outputs: [rows('same', 'float32', 1)],
  nodes: [
    { op: 'ReduceMax', inputs: ['n'], outputs: ['largest'], attributes: { keepdims: 0 } },
    { op: 'Reshape', inputs: ['largest', 'one'], outputs: ['side'] },
    { op: 'Concat', inputs: ['side', 'side'], outputs: ['shape'], attributes: { axis: 0 } },
    { op: 'ConstantOfShape', inputs: ['shape'], outputs: ['matrix'] },
    { op: 'MatMul', inputs: ['matrix', 'matrix'], outputs: ['product'] },
    { op: 'ReduceSum', inputs: ['product'], outputs: ['nothing'], attributes: { keepdims: 0 } },
    { op: 'Cast', inputs: ['n'], outputs: ['number'], attributes: { to: 1 } },
    { op: 'Add', inputs: ['number', 'nothing'], outputs: ['same'] },
  ],
  constants: [{ name: 'one', type: 'int64', shape: [1], data: [1] }],
}
