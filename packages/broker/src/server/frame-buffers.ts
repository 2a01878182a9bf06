/** What a frame gets is rounded up to this, so that frames of about one size can use each other's. */
const STEP_BYTES = 16 * 1024;

/**
 * Memory for frames that do not arrive in one piece, used again: a megabyte from the system for every frame costs
 * more than filling it. Keeps at most `idleMaxBytes` of unused memory.
 */
export class FrameBuffers {
  private readonly idleMaxBytes: number;
  private readonly idle: Buffer[] = [];
  private idleBytes = 0;

  constructor(idleMaxBytes: number) {
    this.idleMaxBytes = idleMaxBytes;
  }

  /** @returns memory of at least `sizeBytes`, with anything in it */
  take(sizeBytes: number): Buffer {
    // The one that was used last: what the processor's caches hold of it, they need not fetch again.
    const index = this.idle.findLastIndex((buffer) => buffer.length >= sizeBytes);
    if (index < 0) return Buffer.allocUnsafeSlow(Math.ceil(sizeBytes / STEP_BYTES) * STEP_BYTES);
    const [buffer] = this.idle.splice(index, 1);
    this.idleBytes -= buffer!.length;
    return buffer!;
  }

  /** Nobody may look at the memory any more. */
  giveBack(buffer: Buffer): void {
    if (this.idleBytes + buffer.length > this.idleMaxBytes) return;
    this.idle.push(buffer);
    this.idleBytes += buffer.length;
  }
}
