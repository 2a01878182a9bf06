import { api, array, field, struct } from './notation.ts';

const topologyDescriptionNode = struct('TopologyDescriptionNode', [
  field('name', 'string'),
  field('nodeType', 'int8'),
  field('sourceTopics', array('string')),
  field('sinkTopic', 'string', { nullable: true, default: null }),
  field('stores', array('string')),
  field('successors', array('string')),
]);

const topologyDescriptionSubtopology = struct('TopologyDescriptionSubtopology', [
  field('subtopologyId', 'string'),
  field('nodes', array(topologyDescriptionNode)),
]);

const topologyDescriptionGlobalStore = struct('TopologyDescriptionGlobalStore', [
  field('source', topologyDescriptionNode),
  field('processor', topologyDescriptionNode),
]);

const topologyDescription = struct('TopologyDescription', [
  field('subtopologies', array(topologyDescriptionSubtopology)),
  field('globalStores', array(topologyDescriptionGlobalStore)),
]);

export const streamsGroupTopologyDescriptionUpdateSchema = api(93, 'StreamsGroupTopologyDescriptionUpdate', {
  versions: '0',
  flexible: '0+',
  request: [
    field('groupId', 'string'),
    field('memberId', 'string'),
    field('topologyEpoch', 'int32'),
    field('topologyDescription', topologyDescription),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
  ],
});
