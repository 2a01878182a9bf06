import { api, array, field, struct } from './notation.ts';

export const describeLogDirsSchema = api(35, 'DescribeLogDirs', {
  versions: '0-5',
  flexible: '2+',
  request: [
    field(
      'topics',
      array(
        struct('DescribableLogDirTopic', [field('topic', 'string'), field('partitions', array('int32'))]),
      ),
      { nullable: true },
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16', { versions: '3+', ignorable: true }),
    field(
      'results',
      array(
        struct('Result', [
          field('errorCode', 'int16'),
          field('logDir', 'string'),
          field(
            'topics',
            array(
              struct('Topic', [
                field('name', 'string'),
                field(
                  'partitions',
                  array(
                    struct('Partition', [
                      field('partitionIndex', 'int32'),
                      field('partitionSize', 'int64'),
                      field('offsetLag', 'int64'),
                      field('isFutureKey', 'bool'),
                    ]),
                  ),
                ),
              ]),
            ),
          ),
          field('totalBytes', 'int64', { versions: '4+', default: -1, ignorable: true }),
          field('usableBytes', 'int64', { versions: '4+', default: -1, ignorable: true }),
          field('isCordoned', 'bool', { versions: '5+', default: false, ignorable: true }),
        ]),
      ),
    ),
  ],
});
