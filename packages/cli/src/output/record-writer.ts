import type { FetchedRecords } from '@odradek/client/consumer/fetch/fetched-data.ts';
import type { Writable } from 'node:stream';
import { writeText } from '../terminal.ts';
import type { RecordFormatter } from './record-formatter.ts';

/** So many bytes go into one write. */
const WRITE_SIZE_BYTES = 256 * 1024;

/**
 * Writes records in order and no faster than they are read; stops after a count, on demand, or when nobody reads
 * any more (a closed pipe), which is no error.
 */
export class RecordWriter {
  private readonly output: Writable;
  private readonly format: RecordFormatter;
  private left: number;
  private isStopped = false;
  private failure: Error | null = null;
  private gone: () => void = () => undefined;

  /** @param count of records to write at most, 1 or more, Infinity for no limit */
  constructor(output: Writable, format: RecordFormatter, count: number) {
    this.output = output;
    this.format = format;
    this.left = count;
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') this.failure = error;
      this.stop();
      this.gone();
    });
  }

  /** Whether nothing more is to be written. */
  get isDone(): boolean {
    return this.isStopped || this.left === 0;
  }

  stop(): void {
    this.isStopped = true;
  }

  /** @param gone called when the reader is gone */
  onGone(gone: () => void): void {
    this.gone = gone;
  }

  /**
   * Writes a batch, or as much of it as the count allows.
   *
   * @returns the offset after the last record written, or null when the batch was not written whole because the
   *   reader is gone
   * @throws Error when the output fails for another reason than that
   */
  async write(batch: FetchedRecords): Promise<number | null> {
    const wanted = batch.records.slice(0, this.left);
    let parts: Buffer[] = [];
    let sizeBytes = 0;
    for (const record of wanted) {
      const before = parts.length;
      this.format(batch, record, parts);
      for (let i = before; i < parts.length; i++) sizeBytes += parts[i]!.length;
      if (sizeBytes < WRITE_SIZE_BYTES) continue;
      await this.flush(parts);
      if (this.output.destroyed) break;
      parts = [];
      sizeBytes = 0;
    }
    await this.flush(parts);
    if (this.failure !== null) throw this.failure;
    if (this.output.destroyed) return null;
    this.left -= wanted.length;
    const isWhole = wanted.length === batch.records.length;
    return isWhole ? batch.nextOffset : wanted.at(-1)!.offset + 1;
  }

  private async flush(parts: readonly Buffer[]): Promise<void> {
    if (parts.length > 0) await writeText(this.output, Buffer.concat(parts));
  }
}
