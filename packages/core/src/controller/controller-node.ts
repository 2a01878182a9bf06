import { encodeJson, JsonNode, NodeFormatError } from './json-node.ts';
import { treePaths } from './tree-paths.ts';

/** `/controller`, version 2: the broker that is the controller. Of ZooKeeper, hence no KRaft epoch. */
export function encodeControllerNode(brokerId: number, timestampMs: number): Buffer {
  return encodeJson({
    version: 2,
    brokerid: brokerId,
    timestamp: String(timestampMs),
    kraftControllerEpoch: -1,
  });
}

/** @returns the controller's broker id. @throws NodeFormatError */
export function decodeControllerNode(data: Buffer | null): number {
  return new JsonNode(treePaths.controller, data).integer('brokerid');
}

/** `/controller_epoch` is a number in decimal digits and no JSON. */
export function encodeControllerEpoch(epoch: number): Buffer {
  return Buffer.from(String(epoch), 'latin1');
}

/** @throws NodeFormatError */
export function decodeControllerEpoch(data: Buffer | null): number {
  const text = data?.toString('latin1') ?? '';
  if (!/^\d{1,10}$/.test(text)) throw new NodeFormatError(treePaths.controllerEpoch, `"${text}", no number`);
  return Number(text);
}

/** `/cluster/id`, whose version is a string, unlike all the others. */
export function encodeClusterId(clusterId: string): Buffer {
  return encodeJson({ version: '1', id: clusterId });
}

/** @throws NodeFormatError */
export function decodeClusterId(data: Buffer | null): string {
  return new JsonNode(treePaths.clusterId, data).string('id');
}
