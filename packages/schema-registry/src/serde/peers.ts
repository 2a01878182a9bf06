import { ClientError } from '@odradek/client';

/** A library of others that a format needs is not installed. */
export class MissingPeerError extends ClientError {
  override readonly name = 'MissingPeerError';
  /** What to install. */
  readonly peer: string;

  constructor(peer: string, format: string, cause: Error) {
    super(
      'MISSING_PEER',
      `${format} needs the package "${peer}", which is not installed: npm install ${peer}`,
      {
        cause,
      },
    );
    this.peer = peer;
  }
}

/** What to do when a module of a peer cannot be loaded. */
export function absent(peer: string, format: string): (thrown: Error) => never {
  return (thrown) => {
    const isMissing = (thrown as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    throw isMissing ? new MissingPeerError(peer, format, thrown) : thrown;
  };
}
