import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** So much of each answer is kept; what counts of a produce or fetch answer stands before the records. */
const HEAD_BYTES = 512;
const RECEIVE_BUFFER_BYTES = 256 * 1024;

/**
 * A connection that sends bytes as they are and hands over the beginning of each answer, throwing away the rest: a
 * generator must not be busy with what it does not look at.
 */
export class FrameConnection {
  private readonly socket: Socket;
  private readonly onAnswer: (head: Buffer, sizeBytes: number) => void;
  private readonly head = Buffer.alloc(HEAD_BYTES);
  /** Bytes of the answer at hand that have come, its size of 4 bytes included. */
  private received = 0;
  /** Of the whole answer with its size; known once 4 bytes are here. */
  private frameBytes = 0;
  private closed: Error | null = null;

  private constructor(
    host: string,
    port: number,
    onAnswer: (head: Buffer, sizeBytes: number) => void,
    onFailure: (error: Error) => void,
  ) {
    this.onAnswer = onAnswer;
    this.socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES),
        callback: (count, buffer) => {
          this.take(buffer as Buffer, count);
          return true;
        },
      },
    });
    this.socket.on('error', (error) => (this.closed = error));
    this.socket.on('close', () => onFailure(this.closed ?? new Error('the broker closed a connection')));
  }

  /**
   * @param onAnswer gets the head of each answer, valid during the call, the size (4 bytes) left out; and how many
   *   bytes the whole has
   * @param onFailure is told when the connection ends, for whatever reason
   */
  static async open(
    host: string,
    port: number,
    onAnswer: (head: Buffer, sizeBytes: number) => void,
    onFailure: (error: Error) => void,
  ): Promise<FrameConnection> {
    const connection = new FrameConnection(host, port, onAnswer, onFailure);
    await once(connection.socket, 'connect');
    return connection;
  }

  /** Whether the socket has room; what is sent in spite of it waits in memory. */
  get takesMore(): boolean {
    return !this.socket.writableNeedDrain;
  }

  send(frame: Buffer): void {
    this.socket.write(frame);
  }

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }

  private take(buffer: Buffer, count: number): void {
    let at = 0;
    while (at < count) {
      const wanted = this.received < 4 ? 4 - this.received : this.frameBytes - this.received;
      const part = Math.min(wanted, count - at);
      if (this.received < HEAD_BYTES) {
        buffer.copy(this.head, this.received, at, Math.min(at + part, at + HEAD_BYTES - this.received));
      }
      this.received += part;
      at += part;
      if (this.received === 4) this.frameBytes = 4 + this.head.readInt32BE(0);
      if (this.received >= 4 && this.received === this.frameBytes) {
        this.received = 0;
        this.onAnswer(this.head.subarray(4, Math.min(this.frameBytes, HEAD_BYTES)), this.frameBytes - 4);
      }
    }
  }
}
