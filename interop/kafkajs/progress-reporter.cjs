// Says which file of the suite is done; the run says the rest.
module.exports = class {
  onTestResult(test, result) {
    const name = test.path.split('/suite/')[1];
    process.stderr.write(`${name}: ${result.numPassingTests} pass, ${result.numFailingTests} fail\n`);
  }
};
