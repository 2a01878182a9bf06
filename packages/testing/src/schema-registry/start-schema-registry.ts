import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RegistryRefusal, StoredSchemas, type GivenSchema } from './stored-schemas.ts';

/** Largest request that is taken. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';

export interface SchemaRegistryStartOptions {
  /** Default a free one. */
  readonly port?: number;
  /** Whether a schema may follow another one in a subject, for the 409 of registries. Default always. */
  readonly isCompatible?: (newest: GivenSchema, given: GivenSchema) => boolean;
}

/**
 * What a registry does to requests in place of serving them: `error` answers with that status; `garbage` with something that
 * is no JSON; `silence` not at all; `cut` drops the connection.
 */
export type RegistryFault = { readonly error: number } | 'garbage' | 'silence' | 'cut';

/** A schema registry for tests, see `startSchemaRegistry`. */
export interface TestSchemaRegistry {
  /** As clients want it. */
  readonly url: string;
  /** What was asked, "GET /subjects", and with which `authorization`. */
  readonly requests: readonly { readonly what: string; readonly authorization: string | null }[];
  /** The GUID of a schema, which newer clients write into headers. */
  guidOf(id: number): string;
  /** The next requests, one by default, meet the fault. */
  hurt(fault: RegistryFault, times?: number): void;
  /** What is left of the faults does not happen. */
  heal(): void;
  close(): Promise<void>;
}

/**
 * A schema registry in the process and in memory, with the part of Confluent's HTTP API that serializers use. It takes every
 * text for a schema; whether one may follow another is up to `isCompatible`.
 */
export async function startSchemaRegistry(
  options: SchemaRegistryStartOptions = {},
): Promise<TestSchemaRegistry> {
  const schemas = new StoredSchemas(options.isCompatible ?? (() => true));
  const requests: { what: string; authorization: string | null }[] = [];
  const faults: RegistryFault[] = [];
  const server = createServer((request, response) => {
    const what = `${request.method} ${request.url}`;
    requests.push({ what, authorization: request.headers.authorization ?? null });
    void respond(request, response, schemas, faults.shift() ?? null);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    guidOf: (id) => schemas.guidOf(id),
    hurt: (fault, times = 1) => void faults.push(...Array.from({ length: times }, () => fault)),
    heal: () => void faults.splice(0),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  schemas: StoredSchemas,
  fault: RegistryFault | null,
): Promise<void> {
  if (fault === 'silence') return;
  if (fault === 'cut') return void request.socket.destroy();
  if (fault === 'garbage') return void response.end('<html>');
  if (fault !== null) return answer(response, fault.error, { error_code: fault.error, message: 'hurt' });
  try {
    const body = await bodyOf(request);
    answer(response, 200, served(request.method ?? '', request.url ?? '', body, schemas));
  } catch (thrown) {
    const errorCode = thrown instanceof RegistryRefusal ? thrown.errorCode : 500;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    answer(response, Number(String(errorCode).slice(0, 3)), { error_code: errorCode, message });
  }
}

function served(method: string, url: string, body: unknown, schemas: StoredSchemas): unknown {
  const { pathname } = new URL(url, 'http://registry');
  const [first, second = '', third, fourth = ''] = pathname.slice(1).split('/').map(decodeURIComponent);
  const given = body as GivenSchema;
  switch (`${method} ${first}`) {
    case 'GET schemas':
      return second === 'guids' ? schemas.byGuid(third ?? '') : schemas.byId(Number(third));
    case 'POST compatibility':
      return { is_compatible: schemas.wouldTake(third ?? '', given) };
    case 'PUT config':
      return body;
    case 'POST subjects':
      return third === undefined ? schemas.lookUp(second, given) : { id: schemas.register(second, given) };
    case 'GET subjects':
      if (second === '') return schemas.subjects;
      if (fourth !== '') return schemas.version(second, fourth);
      return schemas.versionsOf(second).map(({ version }) => version);
    default:
      throw new RegistryRefusal(404, 'HTTP 404 Not Found');
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_MAX_BYTES)
      throw new RegistryRefusal(413, `a request of more than ${BODY_MAX_BYTES} bytes`);
  }
  const text = Buffer.concat(chunks).toString();
  return text === '' ? null : JSON.parse(text);
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': MEDIA_TYPE }).end(JSON.stringify(body));
}
