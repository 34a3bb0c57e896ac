/** Loaded before anything else in every measured process, foreign ones too: what it used, from the process itself. */
process.on('message', (message) => {
    if (message === null || typeof message !== 'object' || message.ask !== 'usage') return;
    const { user, system } = process.cpuUsage();
    process.send({ id: message.id, answer: { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() } });
});
