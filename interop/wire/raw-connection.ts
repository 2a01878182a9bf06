import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import {
  readResponseHeader,
  responseHeaderVersion,
  writeRequestHeader,
} from '@odradek/protocol/request-header.ts';

/** The client's half of an API. */
export interface ClientApi<RequestInput, Response> {
  readonly key: number;
  readonly name: string;
  writeRequest(writer: Writer, message: RequestInput, version: number): void;
  readResponse(reader: Reader, version: number): Response;
}

interface Waiting {
  readonly apiKey: number;
  readonly apiVersion: number;
  resolve(reader: Reader): void;
  reject(error: Error): void;
}

/** A connection that sends exactly what it is told, in any version, and reads the answers in order. */
export class RawConnection {
  private readonly socket: Socket;
  private readonly waiting: Waiting[] = [];
  private received = Buffer.alloc(0);
  private nextCorrelationId = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => this.read(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error('connection closed'));
    });
  }

  static async open(host: string, port: number): Promise<RawConnection> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** @throws Error when the connection is closed in place of an answer */
  async ask<RequestInput, Response>(
    api: ClientApi<RequestInput, Response>,
    apiVersion: number,
    message: RequestInput,
  ): Promise<Response> {
    const frame = this.frame(api, apiVersion, message);
    const reader = await new Promise<Reader>((resolve, reject) => {
      this.waiting.push({ apiKey: api.key, apiVersion, resolve, reject });
      if (this.socket.destroyed) reject(new Error('connection closed'));
      else this.socket.write(frame);
    });
    return api.readResponse(reader, apiVersion);
  }

  /** Sends what is not answered. */
  tell<RequestInput>(api: ClientApi<RequestInput, unknown>, apiVersion: number, message: RequestInput): void {
    this.socket.write(this.frame(api, apiVersion, message));
  }

  close(): void {
    this.socket.destroy();
  }

  private frame<RequestInput>(
    api: ClientApi<RequestInput, unknown>,
    apiVersion: number,
    message: RequestInput,
  ): Buffer {
    const writer = new Writer();
    writer.int32(0);
    const correlationId = this.nextCorrelationId++;
    writeRequestHeader(writer, { apiKey: api.key, apiVersion, correlationId, clientId: 'raw' });
    api.writeRequest(writer, message, apiVersion);
    const frame = writer.toBuffer();
    frame.writeInt32BE(frame.length - 4, 0);
    return frame;
  }

  private read(bytes: Buffer): void {
    this.received = Buffer.concat([this.received, bytes]);
    while (this.received.length >= 4) {
      const end = 4 + this.received.readInt32BE(0);
      if (this.received.length < end) return;
      const frame = Buffer.from(this.received.subarray(4, end));
      this.received = this.received.subarray(end);
      this.answer(frame);
    }
  }

  private answer(frame: Buffer): void {
    const { apiKey, apiVersion, resolve } = this.waiting.shift()!;
    const reader = new Reader(frame);
    readResponseHeader(reader, responseHeaderVersion(apiKey, apiVersion));
    resolve(reader);
  }
}
