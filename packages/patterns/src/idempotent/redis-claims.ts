import { ClientError } from '@odradek/client';
import type { Claim, ClaimStore } from './claims.ts';

export interface RedisClaimsOptions {
  /**
   * Sends one command and resolves with its reply: `(args) => client.sendCommand(args)` for node-redis,
   * `([name, ...args]) => client.call(name, ...args)` for ioredis.
   */
  readonly send: (args: string[]) => Promise<unknown>;
  /** Before every key. Default `odradek:`. */
  readonly prefix?: string;
  /** How long a message is remembered after it was handled, milliseconds. Default 7 days. */
  readonly retentionMs?: number;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;
const BUSY_LOOK_MS = 50;

/** A hash per message: `until` (Redis's time, 0 when done) and `token`. */
const CLAIM = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local till = redis.call('HGET', KEYS[1], 'until')
if till == '0' then return {'done', 0} end
if till and tonumber(till) > now then return {'busy', tonumber(till) - now} end
local token = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'until', now + ARGV[1], 'token', token)
redis.call('PEXPIRE', KEYS[1], ARGV[1] + ARGV[2])
return {till and 'uncertain' or 'new', token}`;

const COMPLETE = `
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`;

const RELEASE = `
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0`;

/**
 * Claims in Redis. What it cannot promise: that the claim and the effect happen both or neither; that a claim survives a
 * failover to a replica that had not got it yet; that there is one owner once a lease has run out; anything where Redis
 * evicts keys, which is therefore refused.
 */
export class RedisClaims implements ClaimStore {
  readonly guarantee = 'lease';
  private readonly send: RedisClaimsOptions['send'];
  private readonly prefix: string;
  private readonly retentionMs: number;

  private constructor(options: RedisClaimsOptions) {
    this.send = options.send;
    // One slot for the keys of all messages, so that scripts run on a Redis Cluster too.
    this.prefix = `{${options.prefix ?? 'odradek:'}}`;
    this.retentionMs = options.retentionMs ?? WEEK_MS;
  }

  /** @throws ClientError REDIS_EVICTS when Redis may forget keys to make room; BAD_OPTION */
  static async open(options: RedisClaimsOptions): Promise<RedisClaims> {
    const { retentionMs = WEEK_MS } = options;
    if (!Number.isInteger(retentionMs) || retentionMs < 1) {
      throw new ClientError(
        'BAD_OPTION',
        `retentionMs is ${retentionMs}, allowed are whole numbers from 1 on`,
      );
    }
    const memory = String(await options.send(['INFO', 'memory']));
    const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1] ?? 'not told';
    if (policy === 'noeviction') return new RedisClaims(options);
    throw new ClientError(
      'REDIS_EVICTS',
      `maxmemory-policy of Redis is ${policy}, allowed is noeviction: it must not forget messages to make room`,
    );
  }

  async claim(id: string, leaseMs: number): Promise<Claim> {
    const token = `${this.prefix}token`;
    const reply = await this.eval(CLAIM, [this.key(id), token], [leaseMs, this.retentionMs]);
    const [state, value] = reply as [string | Buffer, number | string];
    switch (String(state)) {
      case 'done':
        return { state: 'done' };
      case 'busy':
        return { state: 'busy', retryAfterMs: Math.min(Number(value), BUSY_LOOK_MS) };
      case 'uncertain':
        return { state: 'uncertain', token: Number(value) };
      default:
        return { state: 'new', token: Number(value) };
    }
  }

  async complete(id: string, token: number): Promise<boolean> {
    return Number(await this.eval(COMPLETE, [this.key(id)], [token, this.retentionMs])) === 1;
  }

  async release(id: string, token: number): Promise<void> {
    await this.eval(RELEASE, [this.key(id)], [token]);
  }

  private key(id: string): string {
    return `${this.prefix}${id}`;
  }

  private eval(script: string, keys: readonly string[], args: readonly number[]): Promise<unknown> {
    return this.send(['EVAL', script, String(keys.length), ...keys, ...args.map(String)]);
  }
}
