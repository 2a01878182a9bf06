import type { Socket } from 'node:net';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { CLOSE_CONNECTION, type ConnectionInfo } from '../handlers/handler.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Answer, Dispatcher } from './dispatcher.ts';
import type { FrameBuffers } from './frame-buffers.ts';
import { FrameSizeError, FrameSplitter } from './frame-splitter.ts';
import { receiveInto, type Receiver } from './receive-into.ts';
import { ResponseSender } from './response-sender.ts';

/** While a request is being answered, so many further bytes are taken in before reading stops. */
const READ_AHEAD_BYTES_MAX = 256 * 1024;

/** The API whose requests are used up when its handler returns; what others are given, they may keep. */
const PRODUCE = 0;

export interface ConnectionSurroundings {
  readonly dispatcher: Dispatcher;
  readonly pool: BufferPool;
  /** Where all connections receive; what is in it is handled or copied before the next of them does. */
  readonly receiveBuffer: Buffer;
  readonly frameBuffers: FrameBuffers;
  readonly log: LogSink;
  readonly frameSizeMaxBytes: number;
  /** Called at every sign of life, for the idle timer. */
  onActivity(connection: Connection): void;
}

/**
 * One client. Requests are taken one at a time and answered in their order: while one waits (a long poll, a
 * join), those behind it wait too, as clients expect from Kafka. All requests that arrived together are
 * handled in one turn and their answers leave in one write.
 *
 * Bounds: one incomplete frame (`socket.request.max.bytes`) or READ_AHEAD_BYTES_MAX of waiting requests, and
 * what ResponseSender allows towards the peer; the next request is not begun before the answer to the last one
 * was handed to the socket.
 */
export class Connection implements ConnectionInfo, Receiver {
  readonly connectionId: string;
  readonly clientHost: string;
  readonly listenerName: string;
  clientSoftware: ConnectionInfo['clientSoftware'] = null;

  private readonly socket: Socket;
  private readonly surroundings: ConnectionSurroundings;
  private readonly splitter: FrameSplitter;
  private readonly sender: ResponseSender;
  private readonly closeCallbacks = new Set<() => void>();
  /** A request is being worked on, or its answer is not with the socket yet. */
  private busy = false;
  private stopping = false;
  private closed = false;
  /** Room in a large frame that was handed out for the next bytes, if it was. */
  private directRoom: Buffer | null = null;

  constructor(
    socket: Socket,
    connectionId: string,
    listenerName: string,
    surroundings: ConnectionSurroundings,
  ) {
    this.connectionId = connectionId;
    this.listenerName = listenerName;
    this.clientHost = socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    this.surroundings = surroundings;
    this.splitter = new FrameSplitter(surroundings.frameSizeMaxBytes, surroundings.frameBuffers);
    this.socket = receiveInto(socket, this);
    this.sender = new ResponseSender(this.socket, surroundings.pool, (error) => this.storageFailed(error));
    this.socket.on('error', (error) => this.failed(error));
    this.socket.on('end', () => this.peerEnded());
    this.socket.on('close', () => this.wasClosed());
  }

  onClose(callback: () => void): () => void {
    if (this.closed) callback();
    else this.closeCallbacks.add(callback);
    return () => this.closeCallbacks.delete(callback);
  }

  /** Takes no further request; ends once the answer to the one in work, if any, has been sent. */
  stop(): void {
    this.stopping = true;
    if (!this.busy) this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  room(): Buffer {
    this.directRoom = this.splitter.room();
    return this.directRoom ?? this.surroundings.receiveBuffer;
  }

  received(room: Buffer, count: number): void {
    this.surroundings.onActivity(this);
    const isDirect = room === this.directRoom;
    if (isDirect) this.splitter.received(count);
    else this.splitter.push(room.subarray(0, count));
    if (!this.busy) this.serve();
    if (!isDirect) this.splitter.keep();
    if (this.busy && this.splitter.buffered > READ_AHEAD_BYTES_MAX) this.socket.pause();
  }

  /** Handles requests until one has to wait or there are no more. */
  private serve(): void {
    this.socket.cork();
    try {
      while (!this.busy && !this.stopping && !this.closed) {
        const frame = this.splitter.next();
        if (frame === null) break;
        this.begin(frame);
      }
    } catch (error) {
      this.refuse(error);
    } finally {
      this.socket.uncork();
    }
    if (!this.busy && this.socket.isPaused()) this.socket.resume();
  }

  private begin(frame: Buffer): void {
    this.busy = true;
    const isUsedUpAtOnce = frame.length >= 2 && frame.readInt16BE(0) === PRODUCE;
    const request = isUsedUpAtOnce ? frame : Buffer.from(frame);
    const answer = this.surroundings.dispatcher.dispatch(request, this);
    if (answer instanceof Promise) {
      answer.then(
        (late) => this.answerLate(late),
        (error: unknown) => this.refuse(error),
      );
    } else {
      this.answer(answer);
    }
  }

  private answerLate(answer: Answer): void {
    this.answer(answer);
    if (!this.busy) this.serve();
  }

  private answer(answer: Answer): void {
    if (answer === CLOSE_CONNECTION) {
      this.socket.destroy();
      return;
    }
    if (answer === null) {
      this.busy = false;
      return;
    }
    if (this.closed) {
      releaseAll(answer);
      return;
    }
    this.sender.send(answer);
    if (this.sender.isIdle) this.answered();
    else this.sender.whenIdle(() => this.answeredLater());
  }

  private answered(): void {
    this.busy = false;
    if (this.stopping) this.socket.end();
  }

  private answeredLater(): void {
    this.surroundings.onActivity(this);
    this.answered();
    this.serve();
  }

  /** The peer sends no more; a waiting answer has nobody who wants it unless it is on its way already. */
  private peerEnded(): void {
    if (!this.busy) this.socket.end();
    else if (this.sender.isIdle) this.socket.destroy();
    this.stopping = true;
  }

  private refuse(error: unknown): void {
    const known = error instanceof FrameSizeError || error instanceof MalformedBytesError;
    const values = { client: this.clientHost, reason: known ? (error as Error).message : error };
    if (known) this.surroundings.log.info('closing a connection that sent malformed bytes', values);
    else this.surroundings.log.error('closing a connection after an unexpected failure', values);
    this.socket.destroy();
  }

  private storageFailed(error: unknown): void {
    this.surroundings.log.error('closing a connection because its records cannot be read', { error });
    this.socket.destroy();
  }

  private failed(error: Error): void {
    this.surroundings.log.debug('a connection failed', { client: this.clientHost, error: error.message });
  }

  private wasClosed(): void {
    this.closed = true;
    this.sender.discard();
    this.splitter.discard();
    for (const callback of this.closeCallbacks) callback();
    this.closeCallbacks.clear();
  }
}

function releaseAll(chunks: NonNullable<Exclude<Answer, typeof CLOSE_CONNECTION>>): void {
  for (const chunk of chunks) {
    if (!Buffer.isBuffer(chunk)) (chunk as { release?: () => void }).release?.();
  }
}
