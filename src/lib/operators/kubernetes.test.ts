/** The operators with which the Collector reads logs of pods without its `container` operator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import type { AnyValue, Attributes } from "../../data/any_value.ts";
import { chainOf, newEntry } from "./testing/apply.ts";

const OPERATORS = `
- type: router
  id: get-format
  routes:
    - { output: parser-docker, expr: 'body matches "^\\\\{"' }
    - { output: parser-crio, expr: 'body matches "^[^ Z]+ "' }
    - { output: parser-containerd, expr: 'body matches "^[^ Z]+Z"' }
- type: regex_parser
  id: parser-crio
  regex: '^(?P<time>[^ Z]+) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$'
  output: crio-recombine
  timestamp:
    parse_from: attributes.time
    layout_type: gotime
    layout: '2006-01-02T15:04:05.999999999Z07:00'
- type: recombine
  id: crio-recombine
  combine_field: attributes.log
  combine_with: ""
  is_last_entry: "attributes.logtag == 'F'"
  source_identifier: attributes["log.file.path"]
  output: path
- type: regex_parser
  id: parser-containerd
  regex: '^(?P<time>[^ ^Z]+Z) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$'
  output: path
  timestamp: { parse_from: attributes.time, layout: '%Y-%m-%dT%H:%M:%S.%LZ' }
- type: json_parser
  id: parser-docker
  output: path
  timestamp: { parse_from: attributes.time, layout: '%Y-%m-%dT%H:%M:%S.%LZ' }
- type: regex_parser
  id: path
  regex: '^.*\\/(?P<namespace>[^_]+)_(?P<pod>[^_]+)_[a-f0-9\\-]+\\/(?P<c>[^\\._]+)\\/\\d+\\.log$'
  parse_from: attributes["log.file.path"]
  cache: { size: 128 }
- { type: move, from: attributes.stream, to: 'attributes["log.iostream"]' }
- { type: move, from: attributes.pod, to: 'resource["k8s.pod.name"]' }
- { type: remove, field: attributes.time }
- { type: move, id: body, from: attributes.log, to: body }
`;
const PATH = "/var/log/pods/shop_web-1_49cc7c1f-d3d6/nginx/0.log";

test("logs of docker, CRI-O and containerd take their ways and come out alike", () => {
  const { chain, failures } = chainOf(parse(OPERATORS) as object[], PATH);
  const bodies: AnyValue[] = [];
  for (const [index, line] of [
    '{"log":"from docker","stream":"stdout","time":"2024-03-30T08:31:20.545192187Z"}',
    "2024-04-13T07:59:37.505201169-05:00 stdout P from ",
    "2024-04-13T07:59:37.505201169-05:00 stdout F CRI-O",
    "2023-06-22T10:27:25.813799277Z stdout F from containerd",
  ].entries()) {
    const attributes: Attributes = { "log.file.path": PATH };
    const entry = { ...newEntry(line), attributes, start: index, number: index + 1 };
    if (!chain.process(entry)) continue;
    bodies.push(entry.body);
    assert.equal(entry.attributes["log.iostream"], "stdout");
    assert.equal(entry.attributes.namespace, "shop");
    assert.deepEqual(entry.resource, { "k8s.pod.name": "web-1" });
    assert.ok(entry.hrTime[0] > 1.6e9);
  }
  assert.deepEqual(failures, []);
  assert.deepEqual(bodies, ["from docker", "from CRI-O", "from containerd"]);
});
