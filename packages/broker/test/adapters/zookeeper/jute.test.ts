import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AnswerFrames } from '../../../src/adapters/zookeeper/answer-frames.ts';
import { JuteReader, ZookeeperProtocolError } from '../../../src/adapters/zookeeper/jute-reader.ts';
import { JuteWriter } from '../../../src/adapters/zookeeper/jute-writer.ts';
import {
  connectFrame,
  pingFrame,
  readConnectResponse,
  readNotification,
  readReplyHeader,
  readStat,
  sessionName,
} from '../../../src/adapters/zookeeper/messages.ts';
import * as requests from '../../../src/adapters/zookeeper/requests.ts';
import { CoordinationError } from '@odradek/core/ports/coordination.ts';

const view: requests.TreeView = {
  toServer: (path) => path,
  fromServer: (path) => path,
  accessOf: () => [{ permissions: 31, scheme: 'world', id: 'anyone' }],
};

/** One part for each field. */
function hex(...parts: readonly string[]): string {
  return parts.join('');
}

function bodyOf(request: requests.Request<unknown>): string {
  const writer = new JuteWriter();
  request.write(writer);
  return writer.frame().subarray(4).toString('hex');
}

describe('bytes of requests', () => {
  // Worked out by hand from the definitions of the records.
  test('the handshake', () => {
    const frame = connectFrame({
      lastZxid: 2,
      sessionTimeoutMs: 18_000,
      credentials: { sessionId: -1n, password: Buffer.from([1, 2]) },
    });
    assert.equal(
      frame.toString('hex'),
      hex('0000001f', '00000000', '0000000000000002', '00004650', 'ffffffffffffffff', '000000020102', '00'),
    );
  });

  test('a ping', () => {
    assert.equal(pingFrame.toString('hex'), hex('00000008', 'fffffffe', '0000000b'));
  });

  test('a write of one operation', () => {
    const create = { type: 'create', path: '/a', data: null, mode: 'ephemeral-sequential' } as const;
    const request = requests.write(view, [create]);
    assert.equal(request.opCode, 15);
    const access = hex('00000001', '0000001f', '00000005776f726c64', '00000006616e796f6e65');
    assert.equal(bodyOf(request), hex('000000022f61', 'ffffffff', access, '00000003'));
  });

  test('a write of several, and a check alone, is a multi', () => {
    const check = { type: 'check', path: '/a', version: 3 } as const;
    const request = requests.write(view, [check]);
    assert.equal(request.opCode, 14);
    assert.equal(
      bodyOf(request),
      hex('0000000d00ffffffff', '000000022f61', '00000003', 'ffffffff01ffffffff'),
    );
  });
});

describe('what is written can be read', () => {
  test('whatever it is', () => {
    const item = fc.record({
      int: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      flag: fc.boolean(),
      text: fc.string({ unit: 'grapheme' }),
      bytes: fc.option(fc.uint8Array({ maxLength: 600 }), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(item), (items) => {
        const writer = new JuteWriter();
        writer.vector(items, ({ int, long, flag, text, bytes }) => {
          writer.int(int).long(long).boolean(flag).text(text);
          writer.bytes(bytes === null ? null : Buffer.from(bytes));
        });
        const frame = writer.frame();
        assert.equal(frame.readInt32BE(0), frame.length - 4);
        const reader = new JuteReader(frame.subarray(4));
        const again = reader.vector(1, () => ({
          int: reader.int(),
          long: reader.long(),
          flag: reader.boolean(),
          text: reader.text(),
          bytes: reader.bytes(),
        }));
        reader.end();
        for (const [i, one] of again.entries()) {
          const { bytes, ...rest } = items[i]!;
          assert.deepEqual(one, { ...rest, bytes: bytes === null ? null : Buffer.from(bytes) });
        }
      }),
    );
  });

  test('frames come out as they went in, wherever they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.array(fc.integer({ min: 1, max: 30 })),
        (bodies, cuts) => {
          const bytes = Buffer.concat(
            bodies.map((body) => new JuteWriter().bytes(Buffer.from(body)).frame()),
          );
          const frames = new AnswerFrames(1_000);
          const out: string[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            frames.push(bytes.subarray(at, at + cut));
            at += cut;
            for (let frame = frames.next(); frame !== null; frame = frames.next()) {
              out.push(new JuteReader(frame).bytes()!.toString('hex'));
            }
          }
          assert.deepEqual(
            out,
            bodies.map((body) => Buffer.from(body).toString('hex')),
          );
        },
      ),
    );
  });
});

test('hostile bytes cost an error of the protocol, and no memory', () => {
  const operations = [
    { type: 'create', path: '/a', data: null, mode: 'persistent' },
    { type: 'check', path: '/a', version: 1 },
  ] as const;
  const readers: ((reader: JuteReader, bytes: Buffer) => unknown)[] = [
    (_, bytes) => readConnectResponse(bytes),
    (reader) => readReplyHeader(reader),
    (reader) => readNotification(reader),
    (reader) => readStat(reader),
    (reader) => requests.getData(view, '/a', false).read(reader),
    (reader) => requests.getChildren(view, '/a', false).read(reader),
    (reader) => requests.write(view, operations).read(reader),
    (reader) => requests.sync('/').read(reader),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(readers.length - 1), (bytes, which) => {
      try {
        readers[which]!(new JuteReader(Buffer.from(bytes)), Buffer.from(bytes));
      } catch (error) {
        assert.ok(
          error instanceof ZookeeperProtocolError || error instanceof CoordinationError,
          String(error),
        );
      }
    }),
    { numRuns: 5_000 },
  );
});

test('session ids use all 64 bits, and look as in the tools of ZooKeeper', () => {
  assert.equal(sessionName(0x100000000000001n), '100000000000001');
  assert.equal(sessionName(-1n), 'ffffffffffffffff');
});
