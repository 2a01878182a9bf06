import { Duplex } from 'node:stream';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import type { Pipe, PipeEnd } from './pipe.ts';

/**
 * The end of a connection at the process that accepted it: a stream of the runtime, paused at first, which does what
 * servers use of `net.Socket` in the same way.
 */
export class ServerSocket extends Duplex implements PipeEnd {
  readonly remoteAddress: string;
  private readonly process: SimulatedProcess;
  private readonly out: Pipe;
  private readonly leaveProcess: () => void;
  private isGone = false;

  constructor(process: SimulatedProcess, remoteAddress: string, out: Pipe) {
    super({ allowHalfOpen: true });
    this.process = process;
    this.remoteAddress = remoteAddress;
    this.out = out;
    this.pause();
    this.leaveProcess = process.onEnd(() => {
      this.isGone = true;
      out.reset();
    });
  }

  received(bytes: Buffer): void {
    if (this.isGone) return this.out.reset();
    this.process.deliver(() => {
      if (!this.isGone) this.push(bytes);
    });
  }

  ended(): void {
    this.process.deliver(() => {
      if (!this.isGone) this.push(null);
    });
  }

  reset(): void {
    this.process.deliver(() => {
      if (!this.isGone) this.destroy(Object.assign(new Error('ECONNRESET'), { code: 'ECONNRESET' }));
    });
  }

  /** Bytes come when they come. */
  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.out.send(chunk, () => this.process.deliver(done));
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.out.send(bytes, () => this.process.deliver(done));
  }

  override _final(done: () => void): void {
    this.out.finish();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.isGone) {
      this.isGone = true;
      this.leaveProcess();
      if (!this.writableFinished) this.out.reset();
    }
    done(error);
  }
}
