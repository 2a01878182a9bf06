// ApiVersions: what this broker serves. The first thing that a client asks.
//
// v1 adds throttle time, v3 is flexible and tells the client's software, v4 may name features with minimum 0,
// v5 lets a client say whom it means to talk to (KIP-1242).
// A version from the future is answered in the layout of v0 with the versions of ApiVersions itself, so that the
// client can ask again; the response header has no tagged fields in any version (KIP-511).
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import type { ApiVersionsRequest } from '@odradek/protocol/generated/api-versions-request.ts';
import type { ApiVersionsResponseInput } from '@odradek/protocol/generated/api-versions-response.ts';
import { type Chunk, Writer } from '@odradek/protocol/primitives/writer.ts';
import type { Handler } from './handler.ts';

const API_KEY = 18;
const VERSION_MIN = 0;
const VERSION_MAX = 5;
const SOFTWARE_FROM = 3;

const NO_NODE_ID = -1;

/** What the client may call its software (KIP-511). */
const SOFTWARE_PATTERN = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

export interface ServedApi {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** @param servedApis told at each request, since the list of handlers holds this handler too */
export function apiVersionsHandler(
  servedApis: () => readonly ServedApi[],
): Handler<ApiVersionsRequest, ApiVersionsResponseInput> {
  return {
    api: apiVersionsApi,
    versionMin: VERSION_MIN,
    versionMax: VERSION_MAX,

    handle(request, context) {
      if (context.apiVersion >= SOFTWARE_FROM) {
        const { clientSoftwareName: name, clientSoftwareVersion: version } = request;
        if (!SOFTWARE_PATTERN.test(name) || !SOFTWARE_PATTERN.test(version)) {
          return this.failed(request, ErrorCode.INVALID_REQUEST, context);
        }
        context.connection.clientSoftware = { name, version };
      }
      const errorCode = judgeAddressee(
        request,
        context.broker.metadata.clusterId,
        context.broker.config.brokerId,
      );
      if (errorCode !== ErrorCode.NONE) return this.failed(request, errorCode, context);
      return { errorCode: ErrorCode.NONE, apiKeys: servedApis() };
    },

    failed(_request, errorCode) {
      return { errorCode, apiKeys: [] };
    },
  };
}

/**
 * Whether the client reached whom it looked for: an address may by now belong to another broker, or to another
 * cluster. It names both or neither.
 */
export function judgeAddressee(
  { clusterId, nodeId }: Pick<ApiVersionsRequest, 'clusterId' | 'nodeId'>,
  ownClusterId: string,
  ownNodeId: number,
): number {
  if (clusterId === null && nodeId === NO_NODE_ID) return ErrorCode.NONE;
  if (clusterId === null || nodeId === NO_NODE_ID) return ErrorCode.INVALID_REQUEST;
  const isMeant = clusterId === ownClusterId && nodeId === ownNodeId;
  return isMeant ? ErrorCode.NONE : ErrorCode.REBOOTSTRAP_REQUIRED;
}

/** The frame that answers a version of ApiVersions that is not served. */
export function unsupportedApiVersionsAnswer(correlationId: number): readonly Chunk[] {
  const writer = new Writer(32);
  writer.int32(0);
  writer.int32(correlationId);
  apiVersionsApi.writeResponse(
    writer,
    {
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: API_KEY, minVersion: VERSION_MIN, maxVersion: VERSION_MAX }],
    },
    0,
  );
  const frame = writer.toBuffer();
  frame.writeInt32BE(frame.length - 4, 0);
  return [frame];
}
