const { buildContracts } = require('../../contracts/build.cjs');

module.exports = async () => {
    await buildContracts();
};
