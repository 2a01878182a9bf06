import { CommandError } from './terminal.ts';

/** What ends a record on the standard input or output. */
export const FRAMINGS = ['newline', 'nul'] as const;
export type Framing = (typeof FRAMINGS)[number];

const END_BYTES = { newline: 0x0a, nul: 0x00 } as const;

export function endByte(framing: Framing): number {
  return END_BYTES[framing];
}

/**
 * Cuts a byte stream into pieces at each end byte, which is left out; what comes after the last one counts
 * when it is not empty. Pieces that lie within one chunk are views on it. Memory is bounded by one chunk and
 * `sizeMaxBytes`.
 *
 * @throws CommandError when a piece is larger than `sizeMaxBytes`
 */
export async function* pieces(
  input: AsyncIterable<Buffer>,
  framing: Framing,
  sizeMaxBytes: number,
): AsyncGenerator<Buffer[]> {
  const end = endByte(framing);
  let number = 1;
  let started: Buffer[] = [];
  let startedBytes = 0;
  for await (const chunk of input) {
    const complete: Buffer[] = [];
    let at = 0;
    while (at < chunk.length && startedBytes <= sizeMaxBytes) {
      const found = chunk.indexOf(end, at);
      const stop = found < 0 ? chunk.length : found;
      started.push(chunk.subarray(at, stop));
      startedBytes += stop - at;
      at = stop + 1;
      if (found < 0 || startedBytes > sizeMaxBytes) continue;
      complete.push(started.length === 1 ? started[0]! : Buffer.concat(started));
      started = [];
      startedBytes = 0;
      number++;
    }
    if (complete.length > 0) yield complete;
    if (startedBytes > sizeMaxBytes) {
      throw new CommandError(
        `record ${number} of the input is larger than ${sizeMaxBytes} bytes (--max-request-size)`,
      );
    }
  }
  if (startedBytes > 0) yield [Buffer.concat(started)];
}
