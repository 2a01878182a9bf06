import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { receiveInto } from '@odradek/broker/server/receive-into.ts';

const MEMORY_BYTES = 10;

/** Both ends of a connection; the server's is paused, as a listener's are. */
async function connected(t: TestContext): Promise<{ accepted: Socket; client: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    client.destroy();
    server.close();
  });
  return { accepted, client };
}

/** Receives everything up to the end, answers with it and ends. */
function echo(accepted: Socket): { socket: Socket; rooms: Set<Buffer> } {
  const memory = Buffer.alloc(MEMORY_BYTES);
  const rooms = new Set<Buffer>();
  const received: Buffer[] = [];
  const socket = receiveInto(accepted, {
    room: () => memory,
    received(room, count) {
      rooms.add(room);
      received.push(Buffer.from(room.subarray(0, count)));
    },
  });
  socket.on('end', () => socket.end(Buffer.concat(received)));
  return { socket, rooms };
}

async function exchange(client: Socket, text: string): Promise<string> {
  client.end(text);
  const answer: Buffer[] = [];
  for await (const chunk of client) answer.push(chunk as Buffer);
  return Buffer.concat(answer).toString();
}

test('bytes arrive in the memory that was given, all of them, and the connection ends as others do', async (t) => {
  const { accepted, client } = await connected(t);
  const { socket, rooms } = echo(accepted);
  assert.notEqual(socket, accepted, 'this runtime should let a socket read into memory of ours');
  assert.equal(socket.remotePort, client.localPort);
  const text = 'more than fits into the memory at once';
  assert.equal(await exchange(client, text), text);
  assert.equal(rooms.size, 1);
});

test('a runtime that cannot do it gives chunks of its own', async (t) => {
  const { accepted, client } = await connected(t);
  const owner = accepted as unknown as { _handle: { useUserBuffer: unknown } };
  owner._handle.useUserBuffer = undefined;
  const { socket } = echo(accepted);
  assert.equal(socket, accepted);
  const text = 'more than fits into the memory at once';
  assert.equal(await exchange(client, text), text);
});

test('reading can be stopped and taken up again', async (t) => {
  const { accepted, client } = await connected(t);
  const { socket, rooms } = echo(accepted);
  socket.pause();
  client.write('while paused');
  client.end();
  // What goes round over another connection takes longer than the bytes would have.
  const other = await connected(t);
  echo(other.accepted);
  await exchange(other.client, 'round');
  assert.equal(rooms.size, 0);
  socket.resume();
  const [answer] = (await once(client, 'data')) as [Buffer];
  assert.equal(answer.toString(), 'while paused');
});
