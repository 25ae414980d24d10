"""confluent-kafka (librdkafka) against Klamm: `confluent.py BOOTSTRAP`. Prints cases as java/Cases.java does."""

import sys
import threading
import time

from cases import case, done, equal, holds
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec

BOOTSTRAP = sys.argv[1]
CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']


def config(**more):
    return {'bootstrap.servers': BOOTSTRAP, **{key.replace('_', '.'): value for key, value in more.items()}}


def fill(topic, partition, count, **more):
    errors, offsets = [], []
    producer = Producer(config(**more))
    for number in range(count):
        producer.produce(topic, f'v{number}'.encode(), f'k{number}'.encode(), partition, headers=[('h', b'1'), ('n', None)],
                         on_delivery=lambda error, message: errors.append(error) if error else offsets.append(message.offset()))
        producer.poll(0)
    equal(producer.flush(80), 0)
    equal(errors, [])
    return offsets


def take(consumer, count, seconds=60):
    messages, end = [], time.monotonic() + seconds
    while len(messages) < count and time.monotonic() < end:
        for message in consumer.consume(500, 0.1):
            if message.error():
                raise KafkaException(message.error())
            messages.append(message)
    return messages


def read_all(topic, partition, count):
    consumer = Consumer(config(group_id='readers', enable_auto_commit=False))
    consumer.assign([TopicPartition(topic, partition, 0)])
    messages = take(consumer, count)
    consumer.close()
    return messages


def produce(codec):
    topic = f'c-{codec}'
    equal(fill(topic, 0, 1000, compression_type=codec, enable_idempotence=True, linger_ms=5), list(range(1000)))
    messages = read_all(topic, 0, 1000)
    equal([(m.offset(), m.key(), m.value()) for m in messages], [(n, f'k{n}'.encode(), f'v{n}'.encode()) for n in range(1000)])
    equal(messages[3].headers(), [('h', b'1'), ('n', None)])


def member(group, assignor, **more):
    return Consumer(config(group_id=group, auto_offset_reset='earliest', enable_auto_commit=False,
                           partition_assignment_strategy=assignor, heartbeat_interval_ms=300, **more))


def group(assignor):
    topic = f'c-group-{assignor}'
    for partition in range(3):
        fill(topic, partition, 20)
    one = member(topic, assignor)
    one.subscribe([topic])
    equal(len(take(one, 60)), 60)
    one.commit(asynchronous=False)
    two = member(topic, assignor)
    two.subscribe([topic])
    end = time.monotonic() + 80
    while time.monotonic() < end and not (one.assignment() and two.assignment() and len(one.assignment() + two.assignment()) == 3):
        one.poll(0.05)
        two.poll(0.05)
    equal(len({(p.topic, p.partition) for p in one.assignment() + two.assignment()}), 3)
    two.close()
    end = time.monotonic() + 80
    while time.monotonic() < end and len(one.assignment()) < 3:
        one.poll(0.05)
    equal(len(one.assignment()), 3)
    equal(sorted(p.offset for p in one.committed([TopicPartition(topic, n) for n in range(3)])), [20, 20, 20])
    one.close()


def static_member():
    topic = 'c-group-range'
    first = member('c-static', 'range', group_instance_id='one')
    first.subscribe([topic])
    equal(len(take(first, 60)), 60)
    first.commit(asynchronous=False)
    first.close()
    again = member('c-static', 'range', group_instance_id='one')
    again.subscribe([topic])
    end = time.monotonic() + 80
    while time.monotonic() < end and len(again.assignment()) < 3:
        again.poll(0.05)
    equal(len(again.assignment()), 3)
    again.close()


def offsets():
    consumer = Consumer(config(group_id='c-offsets'))
    equal(consumer.get_watermark_offsets(TopicPartition('c-none', 0), 60), (0, 1000))
    first = read_all('c-none', 0, 1)[0].timestamp()[1]
    equal(consumer.offsets_for_times([TopicPartition('c-none', 0, first)], 60)[0].offset, 0)
    equal(consumer.offsets_for_times([TopicPartition('c-none', 0, first + 86400000)], 60)[0].offset, -1)
    consumer.commit(offsets=[TopicPartition('c-none', 0, 12, 'words')], asynchronous=False)
    found = consumer.committed([TopicPartition('c-none', 0)], 60)[0]
    equal((found.offset, found.metadata), (12, 'words'))
    consumer.close()


def admin_topics():
    admin = AdminClient(config())
    for future in admin.create_topics([NewTopic('c-admin', 2, 1, config={'retention.ms': '5000000'})]).values():
        future.result(60)
    admin.create_partitions([NewPartitions('c-admin', 4)])['c-admin'].result(60)
    equal(len(admin.list_topics('c-admin', 60).topics['c-admin'].partitions), 4)
    resource = ConfigResource(ConfigResource.Type.TOPIC, 'c-admin')
    equal(admin.describe_configs([resource])[resource].result(60)['retention.ms'].value, '5000000')
    fill('c-admin', 0, 10)
    partition = TopicPartition('c-admin', 0)
    equal(admin.list_offsets({partition: OffsetSpec.latest()})[partition].result(60).offset, 10)
    equal(admin.delete_records([TopicPartition('c-admin', 0, 4)])[partition].result(60).low_watermark, 4)
    admin.delete_topics(['c-admin'])['c-admin'].result(60)
    holds('c-admin' not in admin.list_topics(timeout=60).topics, 'it is gone')
    equal(len(admin.describe_cluster().result(60).nodes), 1)


def admin_groups():
    admin = AdminClient(config())
    listed = {group.group_id for group in admin.list_consumer_groups().result(60).valid}
    holds('c-static' in listed, listed)
    described = admin.describe_consumer_groups(['c-group-range'])['c-group-range'].result(60)
    equal((described.state.name, len(described.members)), ('EMPTY', 0))
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions('c-group-range')])['c-group-range'].result(60)
    equal([p.offset for p in found.topic_partitions], [20, 20, 20])
    admin.delete_consumer_groups(['c-group-range'])['c-group-range'].result(60)


for name in CODECS:
    case(f'{name}: an idempotent producer; keys, headers, offsets', lambda name=name: produce(name))
for acks in ('0', '1', 'all'):
    case(f'acks {acks}', lambda acks=acks: fill(f'c-acks-{acks}', 0, 200, acks=acks))
for name in ('range', 'roundrobin', 'cooperative-sticky'):
    case(f'{name}: two members share a topic; one leaves and the other takes over', lambda name=name: group(name))
case('a static member comes back', static_member)
case('watermarks, offsets by time, commits with metadata', offsets)
case('admin: topics, partitions, configurations, offsets, records', admin_topics)
case('admin: groups', admin_groups)
done()
