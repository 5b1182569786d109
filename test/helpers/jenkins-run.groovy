// Runs a declarative Jenkinsfile: read and evaluated by the Groovy line that Jenkins embeds, executed by this program. Sections and directives that it
// does not know are errors. Each worker that is allocated is a clone of its own.
//
// GroovyMain jenkins-run.groovy JENKINSFILE REPOSITORY FOLDER [STAGE]: with STAGE the first worker of that stage is lost after its command.
// Parameters and credentials come as environment variables PARAM_NAME and CREDENTIAL_NAME. The answer is FOLDER/result.json.
// Exit code: 0 SUCCESS, 1 FAILURE, 3 the Jenkinsfile is wrong.
import groovy.json.JsonOutput
import org.codehaus.groovy.control.MultipleCompilationErrorsException

class Wrong extends RuntimeException { Wrong(String text) { super(text) } }
class AgentLost extends RuntimeException { AgentLost() { super('the worker was lost') } }
class Failed extends RuntimeException { Failed(String text) { super(text) } }

/** A block that knows only what its class has. */
abstract class Section {
  void read(Closure body) {
    body.delegate = this
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body.call()
  }
  def methodMissing(String name, args) { throw new Wrong("${getClass().simpleName}: unknown section or directive \"${name}\"") }
  def propertyMissing(String name) { throw new Wrong("${getClass().simpleName}: unknown word \"${name}\"") }
}

class Parameters extends Section {
  Map values = [:]
  def choice(Map m) { values[m.name] = m.choices[0] }
  def string(Map m) { values[m.name] = m.defaultValue }
}
class Triggers extends Section { List crons = []; def cron(String text) { crons << text } }
class Options extends Section {
  int attempts = 1
  List conditions = []
  def disableConcurrentBuilds() {}
  def logRotator(Map m) { m }
  def buildDiscarder(Map m) {}
  def agent() { 'agent' }
  def nonresumable() { 'nonresumable' }
  def timeout(Map m) { if (!(m.time instanceof Integer) || m.unit != 'MINUTES') throw new Wrong("timeout ${m}") }
  def retry(Map m) { attempts = m.count; conditions = m.conditions }
}
class Agent extends Section { String name; def label(String text) { name = text } }
class Environment extends Section {
  Map values = [:]
  def credentials(String id) { System.getenv("CREDENTIAL_${id}") ?: '' }
  void setProperty(String name, value) {
    if (name in ['values', 'metaClass']) this.@"$name" = value else values[name] = value.toString()
  }
}
class Post extends Section { Closure always; def always(Closure body) { always = body } }
class Axis extends Section {
  String axisName
  List axisValues
  def name(String text) { axisName = text }
  def values(String... texts) { axisValues = texts as List }
}
class Axes extends Section { List all = []; def axis(Closure body) { def one = new Axis(); one.read(body); all << one } }

class Stages extends Section {
  List all = []
  def stage(String name, Closure body) { def one = new Stage(title: name); one.read(body); all << one }
}

/** What a stage and a matrix have in common. */
class Place extends Section {
  Agent worker
  Options limits = new Options()
  Environment variables = new Environment()
  def agent(Closure body) { worker = new Agent(); worker.read(body) }
  def options(Closure body) { limits.read(body) }
  def environment(Closure body) { variables.read(body) }
}
class Stage extends Place {
  String title
  Closure work
  Post afterwards = new Post()
  Matrix cells
  def steps(Closure body) { work = body }
  def post(Closure body) { afterwards.read(body) }
  def matrix(Closure body) { cells = new Matrix(); cells.read(body) }
}
class Matrix extends Place {
  Axes axesOf = new Axes()
  Stages inner = new Stages()
  def axes(Closure body) { axesOf.read(body) }
  def stages(Closure body) { inner.read(body) }
}
class Pipeline extends Section {
  def none = 'none'
  Parameters given = new Parameters()
  Stages all = new Stages()
  def agent(String name) { if (name != 'none') throw new Wrong('agent') }
  def parameters(Closure body) { given.read(body) }
  def triggers(Closure body) { new Triggers().read(body) }
  def options(Closure body) { new Options().read(body) }
  def stages(Closure body) { all.read(body) }
}

/** The steps that a job may use. */
class Steps extends Section {
  File workspace
  File archive
  Map env
  Map extra
  int junitFiles = 0
  boolean lost = false

  def sh(String script) {
    def builder = new ProcessBuilder('sh', '-xe', '-c', script).directory(workspace).inheritIO()
    [env, extra].each { values -> values.each { name, value -> builder.environment()[name] = value.toString() } }
    int code = builder.start().waitFor()
    if (lost) { lost = false; throw new AgentLost() }
    if (code != 0) throw new Failed("script returned exit code ${code}")
  }
  def script(Closure body) { read(body) }
  String readFile(String path) { new File(workspace, path).text }
  List matches(String glob) {
    def matcher = java.nio.file.FileSystems.default.getPathMatcher("glob:${glob}")
    def found = []
    if (workspace.exists()) workspace.eachFileRecurse(groovy.io.FileType.FILES) { file ->
      def path = workspace.toPath().relativize(file.toPath())
      if (!path.startsWith('.git') && matcher.matches(path)) found << path
    }
    found
  }
  def junit(Map m) {
    def found = matches(m.testResults)
    if (found.isEmpty() && !m.allowEmptyResults) throw new Failed('no test results')
    junitFiles += found.size()
  }
  def archiveArtifacts(Map m) {
    matches(m.artifacts).each { path ->
      def target = archive.toPath().resolve(path)
      java.nio.file.Files.createDirectories(target.parent)
      java.nio.file.Files.copy(workspace.toPath().resolve(path), target, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    }
  }
}

def (jenkinsfile, repository, folder, loseIn) = [args[0], args[1], new File(args[2]), args.length > 3 ? args[3] : null]
def pipeline = null
try {
  def binding = new Binding([pipeline: { Closure body -> pipeline = new Pipeline(); pipeline.read(body) }])
  new GroovyShell(this.class.classLoader, binding).evaluate(new File(jenkinsfile))
} catch (MultipleCompilationErrorsException error) {
  System.err.println("SYNTAX: ${error.message}")
  System.exit(3)
} catch (Wrong error) {
  System.err.println("INVALID: ${error.message}")
  System.exit(3)
}

def env = [:]
pipeline.given.values.each { name, value -> env[name] = System.getenv("PARAM_${name}") ?: value }
def archive = new File(folder, 'archive')
archive.mkdirs()
def report = []
int workers = 0

def runOnce = { Stage stage, Place place, Map cell, boolean lose ->
  def workspace = new File(folder, "worker-${workers++}")
  def clone = ['git', 'clone', '--quiet', '--depth=1', repository, workspace.path].execute()
  if (clone.waitFor() != 0) throw new Failed(clone.err.text)
  def steps = new Steps(workspace: workspace, archive: archive, env: env, extra: place.variables.values + cell, lost: lose)
  def outcome = 'SUCCESS'
  try {
    steps.read(stage.work)
  } catch (Failed error) {
    outcome = 'FAILURE'
  } finally {
    // A worker that was lost runs nothing any more.
    if (!lose) steps.read(stage.afterwards.always)
  }
  [outcome: outcome, junit: steps.junitFiles]
}

def runStage = { Stage stage, Place place, Map cell, String name ->
  int attempt = 0
  while (true) {
    attempt++
    try {
      def end = runOnce(stage, place, cell, attempt == 1 && name == loseIn)
      report << [name: name, cell: cell, attempts: attempt] + end
      return end.outcome == 'SUCCESS'
    } catch (AgentLost error) {
      if (!('agent' in place.limits.conditions) || attempt >= place.limits.attempts) {
        report << [name: name, cell: cell, attempts: attempt, outcome: 'FAILURE', junit: 0]
        return false
      }
    }
  }
}

boolean well = true
pipeline.all.all.each { stage ->
  if (!well) {
    report << [name: stage.title, cell: [:], attempts: 0, outcome: 'NOT_BUILT', junit: 0]
    return
  }
  if (stage.cells == null) {
    well = runStage(stage, stage, [:], stage.title)
    return
  }
  def cells = [[:]]
  stage.cells.axesOf.all.each { axis -> cells = cells.collectMany { cell -> axis.axisValues.collect { cell + [(axis.axisName): it] } } }
  cells.each { cell ->
    stage.cells.inner.all.each { inner -> well = runStage(inner, stage.cells, cell, stage.title) && well }
  }
}
new File(folder, 'result.json').text = JsonOutput.toJson(report)
System.exit(well ? 0 : 1)
