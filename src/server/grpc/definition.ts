/** A protocol's text as what the gRPC server wants of a service: paths, and how messages become bytes and back. */
import type { ServiceDefinition } from '@grpc/grpc-js'
import protobuf from 'protobufjs'

/** Integers of 64 bits are numbers where they can be, and else texts; enumerations are their names. */
const reading = { longs: String, enums: String, defaults: true, oneofs: true } as const

export function serviceOf(text: string, name: string): ServiceDefinition {
  const { root } = protobuf.parse(text, { keepCase: true })
  root.resolveAll()
  const service = root.lookupService(name)
  return Object.fromEntries(
    service.methodsArray.map((method) => {
      const asked = root.lookupType(`${service.parent!.fullName}.${method.requestType}`)
      const answered = root.lookupType(`${service.parent!.fullName}.${method.responseType}`)
      const write = (type: protobuf.Type) => (value: object) =>
        Buffer.from(type.encode(type.fromObject(value)).finish())
      const read = (type: protobuf.Type) => (bytes: Buffer) => type.toObject(type.decode(bytes), reading)
      return [
        method.name,
        {
          path: `/${service.fullName.slice(1)}/${method.name}`,
          requestStream: method.requestStream === true,
          responseStream: method.responseStream === true,
          requestSerialize: write(asked),
          requestDeserialize: read(asked),
          responseSerialize: write(answered),
          responseDeserialize: read(answered),
        },
      ]
    }),
  )
}
