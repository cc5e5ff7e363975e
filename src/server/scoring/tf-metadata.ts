/** What a version takes and gives, as TensorFlow Serving tells of a SavedModel. */
import type { Ready } from './faces.ts'

const types: { readonly [type: string]: string } = {
  bool: 'DT_BOOL',
  uint8: 'DT_UINT8',
  uint16: 'DT_UINT16',
  uint32: 'DT_UINT32',
  uint64: 'DT_UINT64',
  int8: 'DT_INT8',
  int16: 'DT_INT16',
  int32: 'DT_INT32',
  int64: 'DT_INT64',
  float16: 'DT_HALF',
  float32: 'DT_FLOAT',
  float64: 'DT_DOUBLE',
  string: 'DT_STRING',
}

type Infos = Ready['detail']['inputs']
const described = (infos: Infos): object =>
  Object.fromEntries(
    infos
      .filter(({ type }) => Object.hasOwn(types, type))
      .map(({ name, type, shape }) => [
        name,
        {
          dtype: types[type],
          tensor_shape: { dim: shape.map((size) => ({ size: String(size), name: '' })), unknown_rank: false },
          name: `${name}:0`,
        },
      ]),
  )

export const metadataOf = (name: string, { version, detail }: Ready): object => ({
  model_spec: { name, signature_name: '', version },
  metadata: {
    signature_def: {
      signature_def: {
        serving_default: {
          inputs: described(detail.inputs),
          outputs: described(detail.outputs),
          method_name: 'tensorflow/serving/predict',
        },
      },
    },
  },
})
