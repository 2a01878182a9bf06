import { connect } from 'node:net';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';
import type { Transcript } from '../wire/transcript.ts';

const METADATA = 3;
const API_VERSIONS = 18;
const PRODUCE = 0;
const FETCH = 1;
/** Longer than any broker takes to answer or to close. */
const SILENCE_MS = 500;
const CORRELATION_ID = 77;
const SHOWN_BYTES = 6;

/** Sends bytes on a connection of their own and writes down what comes of it. */
async function send(t: Transcript, label: string, bytes: Buffer): Promise<void> {
  const outcome = await new Promise<string>((resolve) => {
    let received = Buffer.alloc(0);
    const socket = connect({ ...t.address, noDelay: true }, () => socket.write(bytes));
    const silence = setTimeout(() => done('silence'), SILENCE_MS);
    const done = (what: string) => {
      clearTimeout(silence);
      socket.destroy();
      resolve(what);
    };
    socket.on('error', () => {});
    socket.on('close', () => done('closed'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 + SHOWN_BYTES) return;
      done(`answered ${received.subarray(4, 4 + SHOWN_BYTES).toString('hex')}…`);
    });
  });
  t.lines.push(`${label}: ${outcome}`);
}

function frame(write: (writer: Writer) => void, size?: number): Buffer {
  const writer = new Writer();
  writer.int32(0);
  write(writer);
  const bytes = writer.toBuffer();
  bytes.writeInt32BE(size ?? bytes.length - 4, 0);
  return bytes;
}

function request(apiKey: number, apiVersion: number, body: string, clientId: string | null = 'raw'): Buffer {
  return frame((writer) => {
    writer.int16(apiKey);
    writer.int16(apiVersion);
    writer.int32(CORRELATION_ID);
    writer.nullableString(clientId);
    writer.raw(Buffer.from(body, 'hex'));
  });
}

const sizes: Conversation = async (t) => {
  const sized = (size: number) => frame(() => {}, size);
  await send(t, 'a size of 0', sized(0));
  await send(t, 'a size of -1', sized(-1));
  await send(t, 'the least size', sized(-0x80000000));
  await send(t, 'the largest size', sized(0x7fffffff));
  await send(t, 'one byte more than allowed', sized(104_857_601));
  await send(
    t,
    'a size of 1 and a byte',
    frame((writer) => writer.int8(0)),
  );
  await send(
    t,
    'half a header',
    frame((writer) => writer.int32(0x0003_0001)),
  );
  await send(t, 'words', Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await send(t, 'half a frame', request(METADATA, 1, '00000000').subarray(0, 12));
};

const headers: Conversation = async (t) => {
  await send(t, 'good', request(METADATA, 1, '00000000'));
  await send(t, 'no client id', request(METADATA, 1, '00000000', null));
  await send(t, 'an empty client id', request(METADATA, 1, '00000000', ''));
  await send(t, 'an unknown API', request(999, 0, ''));
  await send(t, 'a negative API', request(-1, 0, ''));
  await send(t, 'an API of controllers', request(52, 0, ''));
  await send(t, 'a version to come', request(METADATA, 99, '00000000'));
  await send(t, 'a negative version', request(METADATA, -1, '00000000'));
  await send(t, 'versions of APIs, to come', request(API_VERSIONS, 99, ''));
  await send(t, 'versions of APIs, negative', request(API_VERSIONS, -1, ''));
  const longer = (length: number) =>
    frame((writer) => {
      writer.int16(METADATA);
      writer.int16(1);
      writer.int32(CORRELATION_ID);
      writer.int16(length);
    });
  await send(t, 'a client id longer than the frame', longer(500));
  await send(t, 'a client id of length -5', longer(-5));
};

const bodies: Conversation = async (t) => {
  await send(t, 'nothing', request(METADATA, 1, ''));
  await send(t, 'bytes behind', request(METADATA, 1, '000000000102030405'));
  await send(t, 'null topics', request(METADATA, 1, 'ffffffff'));
  await send(t, 'null topics in v0', request(METADATA, 0, 'ffffffff'));
  await send(t, 'a length of -2', request(METADATA, 1, 'fffffffe'));
  await send(t, 'more topics than bytes', request(METADATA, 1, '7fffffff'));
  await send(t, 'a name longer than the frame', request(METADATA, 1, '0000000100ff'));
  await send(t, 'a name of length -1', request(METADATA, 1, '00000001ffff'));
  await send(t, 'a name of length -3', request(METADATA, 1, '00000001fffd'));
  await send(t, 'flexible: no tagged fields', request(METADATA, 9, ''));
  await send(t, 'flexible: an endless varint', request(METADATA, 9, '00ffffffffffffffffffff01'));
  await send(t, 'flexible: more topics than bytes', request(METADATA, 9, '00ffffffff0f0000'));
  await send(t, 'flexible: good', request(METADATA, 9, '000101000000'));
  await send(t, 'flexible: an unknown tagged field', request(METADATA, 9, '0001010000010a0401020304'));
  await send(t, 'flexible: a tagged field in the header', request(METADATA, 9, '010a0201020101000000'));
  await send(t, 'flexible: tagged fields out of order', request(METADATA, 9, '0001010000020b000a00'));
  await send(t, 'flexible: a tagged field longer than the frame', request(METADATA, 9, '0001010000010aff01'));
  await send(t, 'produce: nothing', request(PRODUCE, 7, ''));
  await send(
    t,
    'produce: records longer than the frame',
    request(PRODUCE, 7, 'ffff0001000003e80000000100047265616400000001000000007fffffff'),
  );
  await send(
    t,
    'produce: records of length -2',
    request(PRODUCE, 7, 'ffff0001000003e8000000010004726561640000000100000000fffffffe'),
  );
  await send(t, 'fetch: nothing', request(FETCH, 4, ''));
  await send(t, 'versions of APIs: bytes behind', request(API_VERSIONS, 0, '00000000'));
  await send(t, 'versions of APIs: flexible, nothing', request(API_VERSIONS, 3, ''));
};

export const frameConversations: Readonly<Record<string, Conversation>> = {
  'frames of many sizes': sizes,
  'headers that lie': headers,
  'bodies that lie': bodies,
};
