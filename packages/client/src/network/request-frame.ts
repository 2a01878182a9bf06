import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import {
  readResponseHeader,
  responseHeaderVersion,
  writeRequestHeader,
} from '@odradek/protocol/request-header.ts';
import { BadAnswerError } from '../errors.ts';

/** The frame of a request: length, header, body. Large byte fields are passed on without a copy. */
export function encodeRequest<RequestInput>(
  api: ApiCodec<unknown, RequestInput, unknown, never>,
  version: number,
  correlationId: number,
  clientId: string,
  message: RequestInput,
): Buffer[] {
  const writer = new Writer();
  writeRequestHeader(writer, { apiKey: api.key, apiVersion: version, correlationId, clientId });
  api.writeRequest(writer, message, version);
  const sizeBytes = writer.sizeBytes;
  const length = Buffer.allocUnsafe(4);
  length.writeInt32BE(sizeBytes, 0);
  const frame: Buffer[] = [length];
  for (const chunk of writer.finish()) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a client request cannot hold external records');
    frame.push(chunk);
  }
  return frame;
}

/** @throws BadAnswerError */
export function decodeResponse<Response>(
  api: ApiCodec<unknown, never, Response, never>,
  version: number,
  frame: Buffer,
): Response {
  try {
    const reader = new Reader(frame);
    readResponseHeader(reader, responseHeaderVersion(api.key, version));
    return api.readResponse(reader, version);
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    throw new BadAnswerError(`the answer to ${api.name} v${version} cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}
