/** The bytes do not have the form that the protocol prescribes; the connection that sent them is closed. */
export class MalformedBytesError extends Error {
  readonly code = 'MALFORMED_BYTES';
  override readonly name = 'MalformedBytesError';
}
