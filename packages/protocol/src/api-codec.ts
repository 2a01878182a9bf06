import type { Reader } from './primitives/reader.ts';
import type { Writer } from './primitives/writer.ts';

/**
 * One API of the protocol: how its messages are read and written in every version. The `Input` types are what
 * a writer accepts: fields that not every version has, or that have a default, may be left out.
 *
 * A field that the version lacks has its default when read. When written, a value other than the default is
 * left out silently if the protocol calls the field ignorable and refused with a FieldError otherwise, for
 * requests and responses alike: an answer that lacks what it must not lack would be a wrong one.
 *
 * Versions must be among the known ones; what happens with others is not defined.
 */
export interface ApiCodec<Request, RequestInput, Response, ResponseInput> {
  readonly key: number;
  readonly name: string;
  /** Versions known to this library, both inclusive. */
  readonly versionMin: number;
  readonly versionMax: number;
  /** First version with compact types and tagged fields (KIP-482), or null when there is none. */
  readonly flexibleFrom: number | null;
  /** @throws MalformedBytesError */
  readRequest(reader: Reader, version: number): Request;
  /** @throws FieldError */
  writeRequest(writer: Writer, message: RequestInput, version: number): void;
  /** @throws MalformedBytesError */
  readResponse(reader: Reader, version: number): Response;
  /** @throws FieldError */
  writeResponse(writer: Writer, message: ResponseInput, version: number): void;
  /**
   * The same as `readRequest`, for requests that may hold all partitions of a cluster: each step takes a small part of
   * a millisecond, so that others can have their turn in between.
   */
  readRequestInSteps?(reader: Reader, version: number): Generator<void, Request>;
  /** The same as `writeResponse`, in such steps. */
  writeResponseInSteps?(writer: Writer, message: ResponseInput, version: number): Generator<void, void>;
}

/** A tagged field that this library has no name for; kept when a message is read and written again. */
export interface UnknownTaggedField {
  readonly tag: number;
  readonly data: Buffer;
}
