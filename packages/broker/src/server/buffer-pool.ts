/**
 * Buffers of one size that are used again instead of being left to the garbage collector. Keeps at most
 * `idleMax` unused ones; when all are out, it makes more, so what bounds them is who takes them.
 */
export class BufferPool {
  readonly bufferSizeBytes: number;
  private readonly idleMax: number;
  private readonly idle: Buffer[] = [];

  constructor(bufferSizeBytes: number, idleMax: number) {
    this.bufferSizeBytes = bufferSizeBytes;
    this.idleMax = idleMax;
  }

  get idleCount(): number {
    return this.idle.length;
  }

  take(): Buffer {
    return this.idle.pop() ?? Buffer.allocUnsafeSlow(this.bufferSizeBytes);
  }

  giveBack(buffer: Buffer): void {
    if (this.idle.length < this.idleMax) this.idle.push(buffer);
  }
}
