// What a controller tells of a very large cluster is taken in turns of the event loop, and so is what clients are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterState } from '@odradek/core/controller/cluster-state.ts';
import { applyMetadataUpdate, type MetadataUpdate } from '@odradek/core/controller/metadata-updates.ts';
import { ControllerOrders } from '@odradek/core/replication/controller-orders.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import {
  responseHeaderVersion,
  readResponseHeader,
  writeRequestHeader,
} from '@odradek/protocol/request-header.ts';
import { ManualTime, SILENT } from '../../../core/test/log/log-world.ts';
import type { BrokerServices } from '../../src/broker-services.ts';
import type { ConnectionInfo } from '../../src/handlers/handler.ts';
import { handlerRegistry } from '../../src/handlers/index.ts';
import { Dispatcher, type Answer } from '../../src/server/dispatcher.ts';
import { WorkQueue } from '../../src/server/work-queue.ts';
import { MetadataView } from '../../src/topics/metadata-view.ts';

const TOPICS = 200;
const PARTITIONS_PER_TOPIC = 5;
const UPDATE_VERSION = 8;
const METADATA_VERSION = 12;
/** A look at the clock is a tenth of a millisecond after the one before. */
const LOOK_MS = 0.1;

const origin: ConnectionInfo = {
  connectionId: '1',
  clientHost: '127.0.0.1',
  listenerName: 'PLAINTEXT',
  clientSoftware: null,
  onClose: () => () => undefined,
};

/** A broker that knows of a cluster only what it is told. */
class World {
  readonly state = new ClusterState();
  readonly timers = new ManualTime();
  readonly dispatcher: Dispatcher;
  readonly orders = new ControllerOrders({
    replicas: {} as never,
    logs: {} as never,
    log: SILENT,
    brokerEpoch: () => -1,
  });
  turns = 0;

  constructor() {
    let looks = 0;
    const clock = { now: () => 0, monotonic: () => (looks += 1) * LOOK_MS };
    const { state, timers } = this;
    const services = {
      config: { autoCreateTopicsEnable: false },
      log: SILENT,
      metadata: new MetadataView(state),
      orders: this.orders,
      orderWork: new WorkQueue(clock, timers),
      answerWork: new WorkQueue(clock, timers),
      noticeSessionEnd: () => undefined,
      *takeMetadata(update: MetadataUpdate) {
        yield* applyMetadataUpdate(state, update);
      },
    };
    this.dispatcher = new Dispatcher(handlerRegistry, services as unknown as BrokerServices);
  }

  ask<RequestInput>(
    api: ApiCodec<unknown, RequestInput, unknown, unknown>,
    apiVersion: number,
    request: RequestInput,
  ): Answer | Promise<Answer> {
    return this.dispatcher.dispatch(frameOf(api, apiVersion, request), origin);
  }

  /** The controller tells that in all topics this broker leads. */
  update(leader: number, controllerEpoch = 5, topicCount = TOPICS): Answer | Promise<Answer> {
    return this.ask(
      updateMetadataApi as never,
      UPDATE_VERSION,
      updateOf(leader, controllerEpoch, topicCount),
    );
  }

  /** Goes on turn by turn until the answer is there. */
  async pump<Value>(pending: Value | Promise<Value>, eachTurn: () => void = () => undefined): Promise<Value> {
    let isOver = false;
    const watched = Promise.resolve(pending).finally(() => (isOver = true));
    watched.catch(() => undefined);
    for (;;) {
      // What has been settled by the last turn is told by promises.
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver) return watched;
      this.turns += 1;
      this.timers.step();
      eachTurn();
    }
  }

  /** As its own controller channels say when it is elected. */
  elected(): void {
    this.orders.judge({ controllerId: 1, controllerEpoch: 6, brokerEpoch: -1 });
  }

  leaders(topic: number): number[] {
    return this.state.topic(`t${topic}`)?.partitions.map(({ leader }) => leader) ?? [];
  }
}

function frameOf<RequestInput>(
  api: ApiCodec<unknown, RequestInput, unknown, unknown>,
  apiVersion: number,
  request: RequestInput,
): Buffer {
  const writer = new Writer();
  writeRequestHeader(writer, { apiKey: api.key, apiVersion, correlationId: 1, clientId: null });
  api.writeRequest(writer, request, apiVersion);
  return writer.toBuffer();
}

function updateOf(leader: number, controllerEpoch: number, topicCount: number) {
  const indexes = Array.from({ length: PARTITIONS_PER_TOPIC }, (_, index) => index);
  const endpoints = [{ port: 9092, host: 'localhost', listener: 'PLAINTEXT', securityProtocol: 0 }];
  return {
    controllerId: controllerEpoch,
    controllerEpoch,
    topicStates: Array.from({ length: topicCount }, (_, topic) => ({
      topicName: `t${topic}`,
      topicId: Buffer.from(String(topic).padStart(16)).toString('base64url'),
      partitionStates: indexes.map((partitionIndex) => ({
        partitionIndex,
        controllerEpoch,
        leader,
        leaderEpoch: leader,
        isr: [leader],
        zkVersion: leader,
        replicas: [1, 2, 3],
      })),
    })),
    liveBrokers: [1, 2, 3].map((id) => ({ id, endpoints, rack: null })),
  };
}

function bodyOf<Response>(
  api: ApiCodec<never, never, Response, never>,
  version: number,
  answer: Answer,
): Response {
  const reader = new Reader(Buffer.concat(answer as Buffer[]), 4);
  readResponseHeader(reader, responseHeaderVersion(api.key, version));
  return api.readResponse(reader, version);
}

const errorOf = (answer: unknown): number => {
  const body = bodyOf(updateMetadataApi as never, UPDATE_VERSION, answer as Answer);
  return (body as { errorCode: number }).errorCode;
};

test('everything of a large cluster is taken over many turns; a topic is as it was or as it is told', async () => {
  const world = new World();
  await world.pump(world.update(1));
  world.turns = 0;
  const seen = new Set<string>();
  const answer = await world.pump(world.update(2), () => {
    const mixture = Array.from({ length: TOPICS }, (_, topic) => new Set(world.leaders(topic)));
    assert.ok(
      mixture.every(({ size }) => size === 1),
      'a topic of which a part is old',
    );
    seen.add([...new Set(mixture.flatMap((leaders) => [...leaders]))].join());
  });
  assert.equal(errorOf(answer), ErrorCode.NONE);
  assert.ok(world.turns > 10, `${world.turns} turns`);
  assert.deepEqual([...seen], ['1', '2,1', '2'], 'others had their turn before, between and after');
});

test('what a controller tells later is taken later, however short it is', async () => {
  const world = new World();
  const first = world.update(1);
  const second = world.update(2, 5, 1);
  assert.ok(second instanceof Promise, 'it waits');
  assert.deepEqual((await world.pump(Promise.all([first, second]))).map(errorOf), [0, 0]);
  assert.deepEqual([world.leaders(0)[0], world.leaders(1)[0]], [2, 1]);
});

test('what a controller has told is given up where another one speaks, and not one topic is overwritten', async () => {
  const world = new World();
  const old = world.update(1, 5);
  const next = world.update(2, 6);
  const [oldAnswer, nextAnswer] = await world.pump(Promise.all([old, next]));
  assert.equal(errorOf(nextAnswer), ErrorCode.NONE);
  assert.ok(errorOf(oldAnswer) === ErrorCode.STALE_CONTROLLER_EPOCH || errorOf(oldAnswer) === ErrorCode.NONE);
  for (let topic = 0; topic < TOPICS; topic++) assert.equal(world.leaders(topic)[0], 2);
  assert.equal(world.state.controllerId, 6);
});

test('a broker that becomes the controller itself gives up what another one has told', async () => {
  const world = new World();
  await world.pump(world.update(1));
  const answer = await world.pump(world.update(2), () => {
    if (world.leaders(0)[0] === 2) world.elected();
  });
  assert.equal(errorOf(answer), ErrorCode.STALE_CONTROLLER_EPOCH);
  assert.equal(world.leaders(TOPICS - 1)[0], 1, 'the rest is as it was');
});

test('all topics are told over many turns, and a short question is answered meanwhile', async () => {
  const world = new World();
  await world.pump(world.update(1));
  world.turns = 0;
  const all = world.ask(metadataApi as never, METADATA_VERSION, { topics: null } as never);
  assert.ok(all instanceof Promise);
  const one = world.ask(metadataApi as never, METADATA_VERSION, { topics: [{ name: 't7' }] } as never);
  assert.ok(!(one instanceof Promise), 'it overtakes');
  const told = bodyOf(metadataApi as never, METADATA_VERSION, await world.pump(all)) as {
    topics: { partitions: unknown[] }[];
  };
  assert.equal(told.topics.length, TOPICS);
  assert.ok(told.topics.every(({ partitions }) => partitions.length === PARTITIONS_PER_TOPIC));
  assert.ok(world.turns > 5, `${world.turns} turns`);
});

test('a request that turns out to be malformed after some turns changes nothing', async () => {
  const world = new World();
  const frame = frameOf(updateMetadataApi as never, UPDATE_VERSION, updateOf(1, 5, TOPICS) as never);
  const cut = world.dispatcher.dispatch(frame.subarray(0, frame.length - 1), origin);
  assert.ok(cut instanceof Promise);
  await assert.rejects(world.pump(cut), MalformedBytesError);
  assert.deepEqual([world.state.topicCount, world.state.brokers.size], [0, 0]);
  assert.equal(errorOf(await world.pump(world.update(1))), ErrorCode.NONE, 'and keeps nobody waiting');
});
