/** Portkey writes to the headers of what `fetch` answers, which Node's own makes immutable. Loaded before it, nowhere else. */
const { fetch } = globalThis;
globalThis.fetch = async (...request) => {
    const answer = await fetch(...request);
    return new Response(answer.body, answer);
};
