import type { Readable, Writable } from 'node:stream';

/** What a command may read from and write to. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** NOT_WELL: what was asked about is not so, or not yet; nothing went wrong in asking. */
export const ExitCode = { OK: 0, FAILED: 1, USAGE: 2, NOT_WELL: 3 } as const;

/** Ends a command with one line for the user. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? ExitCode.FAILED;
  }
}

/** The command line itself is wrong. */
export function usageError(message: string): CommandError {
  return new CommandError(message, { exitCode: ExitCode.USAGE });
}

/** Writes text and resolves when there is room for more. Nothing more can be written once the reader is gone. */
export function writeText(target: Writable, text: string | Buffer): Promise<void> | undefined {
  if (target.destroyed || target.write(text)) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      target.off('drain', done);
      target.off('close', done);
      resolve();
    };
    target.once('drain', done);
    target.once('close', done);
  });
}

/**
 * Watches an output for failures, which would end the process otherwise. A reader that is gone (a closed pipe, as
 * behind `| head -1`) is no failure: it has had what it wanted.
 *
 * @returns tells the failure, once all that was written has left; null when there is none
 */
export function watchedOutput(output: Writable): () => Promise<Error | null> {
  let failure: Error | null = null;
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error;
  });
  return async () => {
    if (!output.destroyed) await new Promise<void>((resolve) => output.write('', () => resolve()));
    return failure;
  };
}
