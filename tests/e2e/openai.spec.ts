import { ScriptedUpstreamNetwork, scriptedModel } from './scripted-upstream';
import { json } from '../keepers/node/engine/openai-server';
const net = new ScriptedUpstreamNetwork();
test('chat', async () => {
    net.upstream.behave(
        json(200, {
            id: 'x',
            object: 'chat.completion',
            created: 1,
            model: scriptedModel,
            choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
            usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
        }),
    );
    const a = await net
        .client()
        .chat.completions.create({ model: scriptedModel, messages: [{ role: 'user', content: 'q' }] });
    expect(a.choices[0]!.message.content).toBe('hi');
    await net.restartGateway();
    await net.client().chat.completions.create({ model: scriptedModel, messages: [{ role: 'user', content: 'q' }] });
});
