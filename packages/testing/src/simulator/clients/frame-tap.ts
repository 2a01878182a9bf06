import type { ClientSocket, Sockets } from '@odradek/client/ports/sockets.ts';
import { FrameSplitter } from '@odradek/client/network/frame-splitter.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { readRequestHeader, type RequestHeader } from '@odradek/protocol/request-header.ts';

/** One request and its answer, as they went over the wire. */
export interface Exchange {
  readonly header: RequestHeader;
  /** The request's body. */
  readonly request: Reader;
  /** The answer with its header. */
  readonly answer: Buffer;
}

const FRAME_MAX_BYTES = 64 * 1024 * 1024;

/** Sockets that let somebody see which requests were answered with what; nothing is changed or held up. */
export function tapped(sockets: Sockets, seen: (exchange: Exchange) => void): Sockets {
  return {
    connect: (address, events) => {
      const open = new Map<number, { header: RequestHeader; request: Reader }>();
      const requests = new FrameSplitter(FRAME_MAX_BYTES, (frame) => {
        const request = new Reader(Buffer.from(frame));
        const header = readRequestHeader(request);
        open.set(header.correlationId, { header, request });
      });
      const answers = new FrameSplitter(FRAME_MAX_BYTES, (frame) => {
        const exchange = open.get(frame.readInt32BE(0));
        open.delete(frame.readInt32BE(0));
        if (exchange !== undefined) seen({ ...exchange, answer: Buffer.from(frame) });
      });
      const socket = sockets.connect(address, {
        ...events,
        connected: () => events.connected(),
        closed: (error) => events.closed(error),
        received: (bytes) => {
          answers.push(bytes);
          events.received(bytes);
        },
      });
      const tap: ClientSocket = {
        write: (buffers) => {
          for (const buffer of buffers) requests.push(buffer);
          socket.write(buffers);
        },
        destroy: () => socket.destroy(),
      };
      return tap;
    },
  };
}
