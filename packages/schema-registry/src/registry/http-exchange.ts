import {
  Agent,
  request as requestInTheClear,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { ClosedError, RequestTimeoutError, type TlsOptions } from '@odradek/client';
import { RegistryError } from './registry-error.ts';
import type { RegistryAuth, RegistrySettings } from './registry-options.ts';

/** Connections to one server at a time. */
const CONNECTIONS_MAX = 8;
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';
const ACCEPTED = `${MEDIA_TYPE}, application/vnd.schemaregistry+json, application/json`;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the base of the registry's API, encoded. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** One request and its answer over connections that are kept. */
export class HttpExchange {
  private readonly settings: RegistrySettings;
  private readonly agents = new Map<string, Agent>();
  private isClosed = false;

  constructor(settings: RegistrySettings) {
    this.settings = settings;
  }

  /** @throws RequestTimeoutError; RegistryError BAD_ANSWER for one that is too large; what the connection failed with */
  async ask(base: URL, request: HttpRequest, timeoutMs: number): Promise<HttpAnswer> {
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const proof = await authorization(this.settings.auth);
    if (this.isClosed) throw new ClosedError('schema registry');
    const content = body && { 'content-type': MEDIA_TYPE, 'content-length': body.length };
    const options: RequestOptions = {
      method: request.method,
      agent: this.agentOf(base),
      headers: { accept: ACCEPTED, ...content, ...proof },
    };
    const url = new URL(`${base.pathname.replace(/\/+$/, '')}${request.path}`, base);
    return new Promise((resolve, reject) => {
      const exchange = startRequest(url, options, (answer) => this.read(answer).then(resolve, reject));
      const timer = setTimeout(
        () => exchange.destroy(new RequestTimeoutError(`${base.host} has not answered in ${timeoutMs} ms`)),
        timeoutMs,
      );
      exchange.on('error', reject);
      exchange.on('close', () => clearTimeout(timer));
      exchange.end(body);
    });
  }

  /** Drops the connections. */
  close(): void {
    this.isClosed = true;
    for (const agent of this.agents.values()) agent.destroy();
    this.agents.clear();
  }

  private async read(answer: IncomingMessage): Promise<HttpAnswer> {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes <= this.settings.answerMaxBytes) continue;
      const message = `the schema registry answers with more than answerMaxBytes, ${this.settings.answerMaxBytes}`;
      throw new RegistryError('BAD_ANSWER', message);
    }
    return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  }

  private agentOf(base: URL): Agent {
    const known = this.agents.get(base.origin);
    if (known !== undefined) return known;
    const kept = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
    const agent = base.protocol === 'http:' ? new Agent(kept) : tlsAgent(kept, this.settings.tls);
    this.agents.set(base.origin, agent);
    return agent;
  }
}

function startRequest(
  url: URL,
  options: RequestOptions,
  answered: (answer: IncomingMessage) => void,
): ClientRequest {
  if (url.protocol === 'http:') return requestInTheClear(url, options, answered);
  return https().request(url, options, answered);
}

function tlsAgent(kept: object, { ca, ...own }: TlsOptions): Agent {
  const trusted = ca === undefined ? {} : { ca: Array.isArray(ca) ? [...(ca as string[])] : (ca as string) };
  return new (https().Agent)({ ...kept, ...own, ...trusted });
}

/** Most registries of a test are reached in the clear, and it takes some milliseconds to load. */
function https(): typeof import('node:https') {
  return process.getBuiltinModule('node:https');
}

async function authorization(auth: RegistryAuth | null): Promise<{ authorization?: string }> {
  if (auth === null) return {};
  if ('username' in auth) {
    const credentials = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
    return { authorization: `Basic ${credentials}` };
  }
  const token = typeof auth.token === 'string' ? auth.token : await auth.token();
  return { authorization: `Bearer ${token}` };
}
