import { connect, type Socket } from 'node:net';
import { FrameBuffers } from '@odradek/broker/server/frame-buffers.ts';
import { FrameSplitter } from '@odradek/broker/server/frame-splitter.ts';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import {
  readResponseHeader,
  responseHeaderVersion,
  writeRequestHeader,
} from '@odradek/protocol/request-header.ts';

/** The broker cut the connection. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed';
}

type Codec<Request, Response> = Pick<
  ApiCodec<unknown, Request, Response, unknown>,
  'key' | 'name' | 'writeRequest' | 'readResponse'
>;

interface Waiting {
  resolve(frame: Buffer): void;
  reject(error: Error): void;
}

/** A connection without any of a client's kindness: what is sent is what the test says. */
export class RawClient {
  private readonly socket: Socket;
  private readonly splitter = new FrameSplitter(0x7fffffff, new FrameBuffers(0));
  private readonly frames: Buffer[] = [];
  private readonly waiting: Waiting[] = [];
  private closed = false;
  private nextCorrelationId = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.ended());
    socket.on('end', () => this.ended());
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new RawClient(socket)));
      socket.once('error', reject);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** Sends bytes as they are. */
  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** The next frame without its size. @throws ConnectionClosed */
  nextFrame(): Promise<Buffer> {
    const frame = this.frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.closed) return Promise.reject(new ConnectionClosed());
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
    });
  }

  /** Resolves when the broker has ended the connection. */
  async whenClosed(): Promise<void> {
    for (;;) {
      try {
        await this.nextFrame();
      } catch {
        return;
      }
    }
  }

  /** Sends a request without waiting. @returns its correlation id */
  send<Request>(
    api: Pick<ApiCodec<unknown, Request, unknown, unknown>, 'key' | 'writeRequest'>,
    version: number,
    request: Request,
    clientId: string | null = 'raw',
  ): number {
    const correlationId = this.nextCorrelationId++;
    const writer = new Writer();
    writer.int32(0);
    writeRequestHeader(writer, { apiKey: api.key, apiVersion: version, correlationId, clientId });
    api.writeRequest(writer, request, version);
    const frame = writer.toBuffer();
    frame.writeInt32BE(frame.length - 4);
    this.write(frame);
    return correlationId;
  }

  /** Sends a request and reads its answer, of which no byte may be left. @throws ConnectionClosed */
  async request<Request, Response>(
    api: Codec<Request, Response>,
    version: number,
    request: Request,
    clientId: string | null = 'raw',
  ): Promise<Response> {
    const correlationId = this.send(api, version, request, clientId);
    return readAnswer(api, version, await this.nextFrame(), correlationId);
  }

  private receive(chunk: Buffer): void {
    this.splitter.push(chunk);
    for (let frame = this.splitter.next(); frame !== null; frame = this.splitter.next()) this.deliver(frame);
  }

  private deliver(frame: Buffer): void {
    const first = this.waiting.shift();
    if (first === undefined) this.frames.push(frame);
    else first.resolve(frame);
  }

  private ended(): void {
    this.closed = true;
    for (const { reject } of this.waiting.splice(0)) reject(new ConnectionClosed());
  }
}

/** @throws Error when the frame is not exactly one answer to the request */
export function readAnswer<Response>(
  api: Pick<Codec<never, Response>, 'key' | 'name' | 'readResponse'>,
  version: number,
  frame: Buffer,
  correlationId: number,
): Response {
  const reader = new Reader(frame);
  const header = readResponseHeader(reader, responseHeaderVersion(api.key, version));
  if (header.correlationId !== correlationId) {
    throw new Error(`correlation id ${header.correlationId} instead of ${correlationId}`);
  }
  const response = api.readResponse(reader, version);
  if (reader.remaining > 0) throw new Error(`${api.name} v${version}: ${reader.remaining} bytes left`);
  return response;
}
