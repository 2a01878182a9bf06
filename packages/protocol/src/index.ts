export type { ApiCodec, UnknownTaggedField } from './api-codec.ts';
export { ErrorCode, KafkaError, errorMessage, errorName, isRetriable, type ErrorName } from './errors.ts';
export { apiByKey, apiTable, type ApiTableRow } from './generated/api-table.ts';
export { FieldError } from './primitives/field-error.ts';
export { MalformedBytesError } from './primitives/protocol-error.ts';
export { Reader } from './primitives/reader.ts';
export { ZERO_UUID } from './primitives/uuid.ts';
export { Writer, type Chunk, type ExternalRecords, type RecordsField } from './primitives/writer.ts';
export {
  readRequestHeader,
  readResponseHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
  type RequestHeader,
} from './request-header.ts';
