// An agent in three lines. The server may be stopped, killed and started again: it answers every message, and each once.

import { connect } from 'troupe/client';

const agent = await connect(process.env.SERVER_URL!, { token: process.env.AGENT_TOKEN! });
for await (const { from, content } of agent.messages()) await agent.send(from, `${content} is heard`);
