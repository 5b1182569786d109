/**
 * What every generated `master.cfg` has, whatever the pipeline: how Buildbot is told to run the jobs. Python, as it stands.
 *
 * Buildbot gives a job to another worker by itself when its worker is lost. What it has no word for is a job that failed and is worth another try; that is the one
 * class in it.
 */
export const MASTER_CODE = {
  head: `
import glob
import json
import os
from datetime import timedelta

from buildbot.plugins import changes, schedulers, secrets, steps, util, worker
from buildbot.process import buildstep, results
from twisted.internet import defer

BASE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(BASE, "site.json"), encoding="utf-8") as file:
    SITE = json.load(file)
`,
  body: `

def has_secret(name):
    return os.path.exists(os.path.join(BASE, "secrets", name))


class Job(buildstep.ShellMixin, buildstep.BuildStep):
    """The command of a job. Exit code 1 is worth another try; 2 (wrong use or settings) and 3 (an artifact did not verify) are not."""

    def __init__(self, retries, **kwargs):
        self.retries = retries
        super().__init__(**self.setupShellMixin(kwargs))

    @defer.inlineCallbacks
    def run(self):
        command = yield self.makeRemoteShellCommand()
        yield self.runCommand(command)
        if command.rc == 1:
            tries = yield self.master.db.builds.getBuilds(buildrequestid=self.build.requests[0].id)
            if len(tries) <= self.retries:
                return results.RETRY
        return command.results()


def job_environment():
    environment = dict(SITE.get("environment", {}))
    for name in ("PIPELINE_VARIANT", "PIPELINE_VERSION", "PIPELINE_SEED", "PIPELINE_TAG"):
        environment[name] = util.Property(name, default="")
    for name, kind in SECRETS.items():
        if has_secret(name):
            environment[("TEXT_OF_" if kind == "file" else "") + name] = util.Secret(name)
    return environment


def free(name):
    """Frees what a job left that was killed, and does nothing otherwise."""
    return steps.ShellCommand(
        name=name, command=CLEANUP, env=job_environment(), logEnviron=False,
        alwaysRun=True, haltOnFailure=False, flunkOnFailure=False, warnOnFailure=True)


def job_factory(job):
    seconds = job["minutes"] * 60
    return util.BuildFactory([
        free("free what an earlier job left"),
        # What a build reuses from the last one is ignored by git, and stays.
        steps.Git(
            name="checkout", repourl=SITE["repository"], branch=SITE.get("branch", "main"),
            mode="full", method="clean", logEnviron=False),
        Job(
            job["retries"], name=short([job["name"]]), command=job["command"], env=job_environment(), logEnviron=False,
            timeout=seconds, maxTime=seconds, sigtermTime=60, haltOnFailure=True,
            logfiles={"summary": {"filename": ARTIFACTS + "/" + job["name"] + "/summary.md"}}, lazylogfiles=True),
        steps.DirectoryUpload(
            name="keep artifacts", workersrc=ARTIFACTS + "/" + job["name"],
            masterdest=util.Interpolate(os.path.join(BASE, "artifacts", "%(prop:run)s", job["name"], "%(prop:buildnumber)s")),
            alwaysRun=True, haltOnFailure=False, flunkOnFailure=False, warnOnFailure=True),
        free("free"),
    ])


def short(names):
    """Buildbot's names of steps have an end."""
    return names[0][:36] + (" and %d more" % (len(names) - 1) if len(names) > 1 else "")


@util.renderer
def run_number(props):
    return props.getProperty("run") or str(props.getProperty("buildnumber"))


@util.renderer
def run_tag(props):
    """The tag that the first job left in its artifacts; none before. Of several tries the last one counts."""
    number = props.getProperty("run") or str(props.getProperty("buildnumber"))
    tag = ""
    for path in sorted(glob.glob(os.path.join(BASE, "artifacts", number, FIRST, "*", "pipeline.env")), key=os.path.getmtime):
        with open(path, encoding="utf-8") as file:
            tag = dict(line.strip().split("=", 1) for line in file).get("PIPELINE_TAG", "")
    return tag


def remove_old():
    """Artifacts older than KEEP_DAYS; those of a new run with the same number, too, should the database have been made anew."""
    folder = os.path.join(BASE, "artifacts")
    command = 'mkdir -p "$0" && rm -rf "$0/$1" && find "$0" -mindepth 1 -maxdepth 1 -mtime +%d -exec rm -rf {} +' % KEEP_DAYS
    return steps.MasterShellCommand(
        name="remove old artifacts", command=["sh", "-c", command, folder, run_number], logEnviron=False,
        flunkOnFailure=False, warnOnFailure=True)


def stage_factory(stage, rows):
    factory = util.BuildFactory([remove_old()] if stage == PIPELINE else [])
    for names in rows:
        factory.addStep(steps.Trigger(
            name=short(names), schedulerNames=names, waitForFinish=True, haltOnFailure=True,
            copy_properties=["PIPELINE_VARIANT", "PIPELINE_VERSION", "PIPELINE_SEED"],
            set_properties={"run": run_number, "PIPELINE_TAG": run_tag}))
    return factory


c = BuildmasterConfig = {}
c["title"] = PIPELINE
c["titleURL"] = c["buildbotURL"] = SITE.get("url", "http://localhost:8010/")
c["buildbotNetUsageData"] = None
c["db"] = {"db_url": SITE.get("database", "sqlite:///state.sqlite")}
c["secretsProviders"] = [secrets.SecretInAFile(dirname=os.path.join(BASE, "secrets"))]
# Each run is one of its own, also where two wait for the same job.
c["collapseRequests"] = False
c["protocols"] = {"pb": {"port": SITE.get("port", 9989)}}
c["workers"] = [
    worker.Worker(name, util.Secret("worker-" + name), keepalive_interval=SITE.get("keepaliveSeconds", 60))
    for name in SITE["workers"]
]
# Starts jobs and waits for them; on the master itself, so that no lost worker takes a run with it.
c["workers"].append(worker.LocalWorker("starter"))

one_job = util.WorkerLock("one job at a time on a worker", maxCount=1)
c["builders"] = [
    util.BuilderConfig(
        name=job["name"], workernames=SITE["workers"], factory=job_factory(job), locks=[one_job.access("exclusive")])
    for job in JOBS
]
c["builders"] += [
    util.BuilderConfig(name=stage, workernames=["starter"], factory=stage_factory(stage, rows))
    for stage, rows in STAGES.items()
]

c["schedulers"] = [
    schedulers.Triggerable(name=name, builderNames=[name])
    for name in [job["name"] for job in JOBS] + [stage for stage in STAGES if stage != PIPELINE]
]
for variant, when in SCHEDULES.items():
    c["schedulers"].append(schedulers.Nightly(
        name=variant, builderNames=[PIPELINE], properties={"PIPELINE_VARIANT": variant}, **when))
# By hand: from the web interface, where there is one, ...
c["schedulers"].append(schedulers.ForceScheduler(
    name="run", builderNames=[PIPELINE],
    properties=[
        util.ChoiceStringParameter(name="PIPELINE_VARIANT", label="What to make", choices=VARIANTS, default=VARIANTS[0]),
        util.StringParameter(name="PIPELINE_VERSION", label="Version; empty where the date makes it", default=""),
        util.StringParameter(name="PIPELINE_SEED", label="The SDK to make a new SDK with", default=SEED),
    ]))
# ... and from a command line.
if has_secret("run"):
    with open(os.path.join(BASE, "secrets", "run"), encoding="utf-8") as file:
        c["change_source"] = [changes.PBChangeSource(user="run", passwd=file.read().strip())]
    c["schedulers"].append(schedulers.AnyBranchScheduler(
        name="asked", builderNames=[PIPELINE], treeStableTimer=None, change_filter=util.ChangeFilter(category="run")))
c["configurators"] = [util.JanitorConfigurator(logHorizon=timedelta(days=KEEP_DAYS), hour=12)]
`,
};
