import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { ZookeeperProtocolError } from '../../../src/adapters/zookeeper/jute-reader.ts';
import { answerChallenge } from '../../../src/adapters/zookeeper/sasl-digest-md5.ts';

const challenge = 'realm="zk-sasl-md5",nonce="abc",charset=utf-8,algorithm=md5-sess';
const answerTo = (text: string, user = 'bob') =>
  answerChallenge(Buffer.from(text), { user, password: 'secret' }, 'client');

describe('DIGEST-MD5', () => {
  test('proves the password as RFC 2831 says', () => {
    const md5 = (data: string | Buffer) => createHash('md5').update(data).digest();
    const start = Buffer.concat([md5('bob:zk-sasl-md5:secret'), Buffer.from(':abc:client')]);
    const proof = (method: string) => {
      const call = md5(`${method}:zookeeper/zk-sasl-md5`).toString('hex');
      return md5(`${md5(start).toString('hex')}:abc:00000001:client:auth:${call}`).toString('hex');
    };
    const { token, expected } = answerTo(challenge);
    assert.match(token.toString(), new RegExp(`response=${proof('AUTHENTICATE')},`));
    assert.match(
      token.toString(),
      /username="bob",realm="zk-sasl-md5",nonce="abc",nc=00000001,cnonce="client"/,
    );
    assert.equal(expected, `rspauth=${proof('')}`);
  });

  test('quotes what needs it', () => {
    assert.match(answerTo(challenge, 'a"b\\c').token.toString(), /username="a\\"b\\\\c"/);
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['no nonce', 'algorithm=md5-sess'],
    ['another algorithm', 'nonce="abc",algorithm=sha-256'],
    ['only protection that is not supported', `${challenge},qop="auth-conf"`],
  ] as const) {
    test(`a challenge with ${what} is refused`, () => {
      assert.throws(() => answerTo(text), ZookeeperProtocolError);
    });
  }
});
