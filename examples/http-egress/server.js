// @ts-check
/**
 * A server to try the egress with: it stands for two nodes, which answer what they are asked. Start it with a port; where
 * `TOKEN` is set, requests have to bear it.
 */
import { createServer } from 'node:http';

const NODES = ['n1.example.net', 'n2.example.net'];
const PORT = Number(process.argv[2] ?? 8081);
const { TOKEN } = process.env;

/** @param {Record<string, unknown>} request @param {string} node */
const replyOf = ({ requestid, agent, action, data }, node) => ({
  protocol: 'mcbridge-http:reply:1',
  requestid,
  senderid: node,
  // Discovery asks nothing but who is there.
  ...(agent !== 'discovery' && { statuscode: 0, statusmsg: 'OK', data: { action, data } }),
});

const server = createServer(async (request, response) => {
  if (TOKEN !== undefined && request.headers.authorization !== `Bearer ${TOKEN}`) {
    response.writeHead(401).end();
    return;
  }
  // The bridge asks now and then whether the server is there.
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  let text = '';
  for await (const chunk of request) text += chunk;
  const asked = JSON.parse(text);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  for (const node of NODES)
    if (asked.nodes === undefined || asked.nodes.includes(node))
      response.write(`${JSON.stringify(replyOf(asked, node))}\n`);
  response.end();
});

server.listen(PORT, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${PORT}/ answers for ${NODES.join(' and ')}`),
);
