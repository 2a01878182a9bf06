/** A message cannot be written in the version asked for. The program that made it is wrong, not the peer. */
export class FieldError extends Error {
  readonly code = 'FIELD_NOT_WRITABLE';
  override readonly name = 'FieldError';
  readonly field: string;
  readonly version: number;

  constructor(field: string, version: number, problem: string) {
    super(`${field} in version ${version}: ${problem}`);
    this.field = field;
    this.version = version;
  }
}

/** For a value that the version has no place for and that must not be lost. */
export function fieldNotInVersion(field: string, version: number): FieldError {
  return new FieldError(field, version, 'the field does not exist there and its value must not be lost');
}

export function nullNotAllowed(field: string, version: number): FieldError {
  return new FieldError(field, version, 'null is not allowed there');
}
