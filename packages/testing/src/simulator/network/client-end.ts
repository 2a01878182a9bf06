import type { ClientSocket, SocketEvents } from '@odradek/client/ports/sockets.ts';
import type { SimulatedProcess } from '../process/simulated-process.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Pipe, PipeEnd } from './pipe.ts';

/** The end of a connection at the process that made it. */
export class ClientEnd implements ClientSocket, PipeEnd {
  readonly process: SimulatedProcess;
  private readonly out: Pipe;
  private readonly events: SocketEvents;
  private readonly time: VirtualTime;
  private readonly leaveProcess: () => void;
  private isOver = false;

  constructor(process: SimulatedProcess, out: Pipe, events: SocketEvents, time: VirtualTime) {
    this.process = process;
    this.out = out;
    this.events = events;
    this.time = time;
    this.leaveProcess = process.onEnd(() => this.close(null));
  }

  write(buffers: readonly Buffer[]): void {
    if (this.isOver) return;
    this.out.send(Buffer.concat(buffers), () => {});
  }

  destroy(): void {
    if (this.isOver) return;
    this.close(null);
    this.out.finish();
  }

  connected(): void {
    this.process.deliver(() => {
      if (!this.isOver) this.events.connected();
    });
  }

  refused(): void {
    this.close(new Error('connection refused'));
  }

  received(bytes: Buffer): void {
    if (this.isOver) return this.out.reset();
    // A buffer of its own: it belongs to the receiver.
    const own = Buffer.from(bytes);
    this.process.deliver(() => {
      if (!this.isOver) this.events.received(own);
    });
  }

  ended(): void {
    if (this.isOver) return;
    this.process.deliver(() => {
      if (this.isOver) return;
      this.out.finish();
      this.close(null);
    });
  }

  reset(): void {
    this.process.deliver(() => this.close(new Error('connection reset by peer')));
  }

  private close(error: Error | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.leaveProcess();
    if (!this.process.isAlive) return this.out.reset();
    this.time.after(0, () => this.process.deliver(() => this.events.closed(error)));
  }
}
