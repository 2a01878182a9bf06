import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KafkaError, errorName } from '@odradek/protocol/errors.ts';
import type { TestControls } from '../brokers/test-controls.ts';
import { FaultRuleError } from '../request-faults/read-fault-rule.ts';

/** What HTTP reaches; what one broker alone has no use for is absent there. */
export interface ServedControls extends TestControls {
  moveCoordinator?(groupId: string): Promise<number>;
  stopBroker?(nodeId: number): Promise<void>;
}

/** The status and the body, as JSON, of an answer; null for none. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Route = (
  controls: ServedControls,
  argument: string,
  body: unknown,
) => Answer | Promise<Answer> | undefined;

const BODY_MAX_BYTES = 64 * 1024;
const DONE: Answer = { status: 204, body: null };

/** By method and path; `:` is one part of the path, the route's argument. */
const routes: Readonly<Record<string, Route>> = {
  'GET /faults': ({ faults }) => found(faults.list()),
  'POST /faults': ({ faults }, _, rule) => ({ status: 201, body: faults.add(rule as never) }),
  'DELETE /faults': ({ faults }) => {
    faults.clear();
    return DONE;
  },
  'GET /faults/:': ({ faults }, id) => {
    const fault = faults.get(Number(id));
    return fault === undefined ? undefined : found(fault);
  },
  'DELETE /faults/:': ({ faults }, id) => (faults.remove(Number(id)) ? DONE : undefined),
  'POST /groups/:/rebalance': (controls, groupId) => controls.forceRebalance(groupId).then(() => DONE),
  'POST /groups/:/move-coordinator': (controls, groupId) =>
    controls.moveCoordinator?.(groupId).then((coordinator) => found({ coordinator })),
  'POST /brokers/:/stop': (controls, nodeId) => controls.stopBroker?.(Number(nodeId)).then(() => DONE),
  'POST /reset': (controls) => controls.reset().then(() => DONE),
};

/**
 * The controls over HTTP with JSON, for tests in any language: the same names as in TypeScript. Only on 127.0.0.1,
 * and never without having been asked for: who reaches it can make the brokers fail.
 */
export class ControlServer {
  private readonly server: Server;

  constructor(controls: ServedControls) {
    this.server = createServer((request, response) => {
      void answer(controls, request).then((given) => send(response, given));
    });
  }

  /** @param port 0: a free one @returns where it is reached @throws Error when the port is taken */
  listen(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => {
        resolve(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}

async function answer(controls: ServedControls, request: IncomingMessage): Promise<Answer> {
  try {
    const parts = pathOf(request);
    const known = routeOf(request.method ?? '', parts);
    const given = known && (await known.route(controls, known.argument, await bodyOf(request)));
    return (
      given ?? { status: 404, body: { error: `there is no ${request.method} /${parts.join('/')} here` } }
    );
  } catch (error) {
    return failure(error);
  }
}

function pathOf({ url = '/' }: IncomingMessage): string[] {
  return new URL(url, 'http://localhost').pathname.split('/').slice(1).map(decodeURIComponent);
}

function routeOf(method: string, parts: readonly string[]): { route: Route; argument: string } | undefined {
  const [first, argument = '', ...rest] = parts;
  const path = argument === '' ? `/${first}` : `/${[first, ':', ...rest].join('/')}`;
  const route = routes[`${method} ${path}`];
  return route && { route, argument };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    if (sizeBytes > BODY_MAX_BYTES)
      throw new FaultRuleError('the body', `${sizeBytes} bytes`, `is ${BODY_MAX_BYTES} bytes at most`);
    pieces.push(piece);
  }
  return sizeBytes === 0 ? undefined : JSON.parse(Buffer.concat(pieces).toString());
}

function failure(error: unknown): Answer {
  if (error instanceof KafkaError)
    return { status: 409, body: { error: error.message, code: errorName(error.code) } };
  const isCallersFault =
    error instanceof FaultRuleError ||
    error instanceof SyntaxError ||
    error instanceof RangeError ||
    error instanceof URIError;
  const status = isCallersFault ? 400 : 500;
  return { status, body: { error: error instanceof Error ? error.message : String(error) } };
}

function found(body: unknown): Answer {
  return { status: 200, body };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === null ? undefined : JSON.stringify(body));
}
