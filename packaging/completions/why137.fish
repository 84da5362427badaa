# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_why137_global_optspecs
    string join \n unit= pid= save= with-logs format= q/quiet v/verbose H/host= c/context= config= tls= tlsverify= tlscacert= tlscert= tlskey= color= width= h/help V/version
end

function __fish_why137_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_why137_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_why137_using_subcommand
    set -l cmd (__fish_why137_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c why137 -n "__fish_why137_needs_command" -l unit -d 'A systemd service, scope or slice of this machine; `api` means `api.service`' -r
complete -c why137 -n "__fish_why137_needs_command" -l pid -d 'A process of this machine, alive or not, by its pid' -r
complete -c why137 -n "__fish_why137_needs_command" -l save -d 'Also save what was gathered in this file, to be explained again or elsewhere' -r -F
complete -c why137 -n "__fish_why137_needs_command" -l format -d 'The form of the answer' -r -f -a "text\t'A page for a person'
json\t'For programs; `why137 schema` describes it'
markdown\t'For a ticket'"
complete -c why137 -n "__fish_why137_needs_command" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_needs_command" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_needs_command" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_needs_command" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_needs_command" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_needs_command" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_needs_command" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_needs_command" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_needs_command" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_needs_command" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_needs_command" -l with-logs -d 'Gather the last 300 lines that the container wrote, not only the telling ones'
complete -c why137 -n "__fish_why137_needs_command" -s q -l quiet -d 'One line only'
complete -c why137 -n "__fish_why137_needs_command" -s v -l verbose -d 'Also how to check each line of evidence by hand, and every source that could not be read'
complete -c why137 -n "__fish_why137_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_needs_command" -s V -l version -d 'Print version'
complete -c why137 -n "__fish_why137_needs_command" -a "explain" -d 'Explains a death: of a container, or from text'
complete -c why137 -n "__fish_why137_needs_command" -a "list" -d 'Lists every death that this machine still has evidence of; `why137` alone does the same'
complete -c why137 -n "__fish_why137_needs_command" -a "demo" -d 'Shows three real deaths on this machine, and explains each'
complete -c why137 -n "__fish_why137_needs_command" -a "run" -d 'Runs a command in a memory cgroup of its own; if it is killed, tells who did it and why'
complete -c why137 -n "__fish_why137_needs_command" -a "audit" -d 'Tells what a process may grow to beside its limit, by what its runtime believes'
complete -c why137 -n "__fish_why137_needs_command" -a "align" -d 'Tells limit and ceiling as a pair: what to set so that a runtime stays within its limit'
complete -c why137 -n "__fish_why137_needs_command" -a "env" -d 'Tells a command\'s runtime the limit in effect now, and becomes the command: an entrypoint'
complete -c why137 -n "__fish_why137_needs_command" -a "lint" -d 'Looks at Compose files, Dockerfiles, manifests and task definitions for what ends with 137'
complete -c why137 -n "__fish_why137_needs_command" -a "loops" -d 'Finds what dies again and again: restart loops, kills during start-up, respawn storms'
complete -c why137 -n "__fish_why137_needs_command" -a "guard" -d 'Watches for loops; with consent by name it stops the spinning and lets one run show what a start takes'
complete -c why137 -n "__fish_why137_needs_command" -a "measure" -d 'Watches a container under load: what it holds over time, what it cannot give back, its peak'
complete -c why137 -n "__fish_why137_needs_command" -a "size" -d 'Tells the limit it needs by its memory over time, the chance of another kill, and the ceiling beside it'
complete -c why137 -n "__fish_why137_needs_command" -a "verify" -d 'Watches it after a change, and tells whether the change holds, or moved the cost'
complete -c why137 -n "__fish_why137_needs_command" -a "fix" -d 'Measures, sets limit and ceiling as a pair with your consent, and calls it fixed only after the run under load'
complete -c why137 -n "__fish_why137_needs_command" -a "replay" -d 'Plays samples of days through the rules of others and ours: memory left unused against days with a kill'
complete -c why137 -n "__fish_why137_needs_command" -a "rules" -d 'Lists the rules by which a killer is found, and those about files'
complete -c why137 -n "__fish_why137_needs_command" -a "rule" -d 'Shows a rule\'s manual'
complete -c why137 -n "__fish_why137_needs_command" -a "completions" -d 'Writes the completions for a shell'
complete -c why137 -n "__fish_why137_needs_command" -a "man" -d 'Writes the manual page'
complete -c why137 -n "__fish_why137_needs_command" -a "schema" -d 'Writes the JSON schema of the answer'
complete -c why137 -n "__fish_why137_needs_command" -a "generate" -d 'Writes the generated pages, manuals and completions of the source tree'
complete -c why137 -n "__fish_why137_needs_command" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c why137 -n "__fish_why137_using_subcommand explain" -l unit -d 'A systemd service, scope or slice of this machine; `api` means `api.service`' -r
complete -c why137 -n "__fish_why137_using_subcommand explain" -l pid -d 'A process of this machine, alive or not, by its pid' -r
complete -c why137 -n "__fish_why137_using_subcommand explain" -l save -d 'Also save what was gathered in this file, to be explained again or elsewhere' -r -F
complete -c why137 -n "__fish_why137_using_subcommand explain" -l format -d 'The form of the answer' -r -f -a "text\t'A page for a person'
json\t'For programs; `why137 schema` describes it'
markdown\t'For a ticket'"
complete -c why137 -n "__fish_why137_using_subcommand explain" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand explain" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand explain" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand explain" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand explain" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand explain" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand explain" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand explain" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand explain" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand explain" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand explain" -l with-logs -d 'Gather the last 300 lines that the container wrote, not only the telling ones'
complete -c why137 -n "__fish_why137_using_subcommand explain" -s q -l quiet -d 'One line only'
complete -c why137 -n "__fish_why137_using_subcommand explain" -s v -l verbose -d 'Also how to check each line of evidence by hand, and every source that could not be read'
complete -c why137 -n "__fish_why137_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand list" -l since -d 'Only what died since this time, or within this time: `2h`, `3d`' -r
complete -c why137 -n "__fish_why137_using_subcommand list" -l save -d 'Also save what was gathered in this file, to be listed again or elsewhere' -r -F
complete -c why137 -n "__fish_why137_using_subcommand list" -l format -d 'The form of the list; in JSON an array of answers' -r -f -a "text\t'A page for a person'
json\t'For programs; `why137 schema` describes it'
markdown\t'For a ticket'"
complete -c why137 -n "__fish_why137_using_subcommand list" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand list" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand list" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand list" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand list" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand list" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand list" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand list" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand list" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand list" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand list" -l all -d 'Also what lives and what ended well'
complete -c why137 -n "__fish_why137_using_subcommand list" -s q -l quiet -d 'Only the lines'
complete -c why137 -n "__fish_why137_using_subcommand list" -s v -l verbose -d 'Also how to open every source that could not be read'
complete -c why137 -n "__fish_why137_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand demo" -l format -d 'The form of the answers; `json` gives one array' -r -f -a "text\t'A page for a person'
json\t'For programs; `why137 schema` describes it'
markdown\t'For a ticket'"
complete -c why137 -n "__fish_why137_using_subcommand demo" -l record -d 'Save the cases of the deaths that happened here in this directory' -r -F
complete -c why137 -n "__fish_why137_using_subcommand demo" -l part -d 'Plays a part of the demonstration' -r
complete -c why137 -n "__fish_why137_using_subcommand demo" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand demo" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand demo" -s v -l verbose -d 'Also how to check each line of evidence by hand'
complete -c why137 -n "__fish_why137_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand run" -s m -l memory -d 'The most memory that the command and all it starts may use together: `256m`, `1.5g`' -r
complete -c why137 -n "__fish_why137_using_subcommand run" -l swap -d 'Swap beside the memory limit: `0` (as if nothing is said), a size, or `max`' -r
complete -c why137 -n "__fish_why137_using_subcommand run" -l record -d 'Write the record of the run to this file and keep it, however the command ends' -r -F
complete -c why137 -n "__fish_why137_using_subcommand run" -l format -d 'The form of the answer' -r -f -a "text\t'A page for a person'
json\t'For programs; `why137 schema` describes it'
markdown\t'For a ticket'"
complete -c why137 -n "__fish_why137_using_subcommand run" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand run" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand run" -s q -l quiet -d 'One line only'
complete -c why137 -n "__fish_why137_using_subcommand run" -s v -l verbose -d 'Also how to check each line of evidence by hand, and every source that could not be read'
complete -c why137 -n "__fish_why137_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand audit" -l pid -d 'A process of this machine: with all that its container or unit holds, else with its descendants' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l predict -d 'A process that does not run yet: `node@22.12.0`, `go@1.25`, `java@17`; a lone first number is the newest release of its line' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l limit -d 'The limit of its container; without it there is none' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l format -d 'The form of the answer; of several an array, of a watch one line for each look' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand audit" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand audit" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand audit" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand audit" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand audit" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand audit" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand audit" -l setting -d 'A setting: an environment variable (`GOMEMLIMIT=400MiB`), an option (`-Xmx300m`, `--workers 4`) or, in lower case, a configuration file\'s (`memory_limit=256M`). Several times' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l cgroup -d 'The cgroup version of the container\'s host' -r -f -a "v1\t''
v2\t''"
complete -c why137 -n "__fish_why137_using_subcommand audit" -l layout -d 'Where the limit is, and what of it the process can see' -r -f -a "container\t'Its own, as Docker and Kubernetes set it: the process sees its cgroup as the root'
service\t'Its own, as of a systemd service: the process sees the whole hierarchy'
parent\t'On a level above that the process can see, as of a slice'
hidden-parent\t'On a level above that the process cannot see, as of a Kubernetes pod'"
complete -c why137 -n "__fish_why137_using_subcommand audit" -l host-memory -d 'The memory of the host; this machine\'s if nothing is said' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l host-cpus -d 'The processors of the host; this machine\'s if nothing is said' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l cpus -d 'The processors that the container may use, a quota (`--cpus`): `0.5`, `2`' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l cpuset -d 'The processors that the container is bound to (`--cpuset-cpus`), by their number' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l reservation -d 'Its soft limit (`--memory-reservation`; `memory.high` on v2)' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l build-setting -d 'Go: a line of the build information, as `go version -m` prints it: `DefaultGODEBUG=containermaxprocs=0`. Several times' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l count -d 'How many such processes run in the container' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand audit" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand audit" -l all -d 'Every container that runs, one line each, the worst first'
complete -c why137 -n "__fish_why137_using_subcommand audit" -l watch -d 'Look again every two seconds, until Ctrl-C; no terminal gets one line for each look'
complete -c why137 -n "__fish_why137_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand align" -l pid -d 'A process of this machine, with what its container or unit holds' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l predict -d 'A process that does not run yet: `node@22.12.0`, `go@1.25`, `java@17`; a lone first number is the newest release of its line' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l service -d 'Only this service or container of the file: `api`, `my-deployment/api`' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l runtime -d 'What runs by the file, where its image and command do not tell: `node@22.12`, `java`' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l limit -d 'The limit to live in: `512m`, `2g`; else the file\'s. Another one than the file\'s is written into it' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l format -d 'The form of the answer' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand align" -l as -d 'Only the settings, ready to paste' -r -f -a "env\t'`NAME=VALUE`, quoted for a shell'
flags\t'The options of the program\'s own command line'
compose\t'Of `compose.yaml`'
dockerfile\t'Lines of a Dockerfile'
kubernetes\t'Of a container in a manifest'
ecs\t'Of a container definition'
docker-run\t'Options of `docker run`'"
complete -c why137 -n "__fish_why137_using_subcommand align" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand align" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand align" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand align" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand align" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand align" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand align" -l worker -d 'The largest worker under load, without what it shares with others' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l master -d 'The master of the workers, with what they share' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l outside -d 'Memory outside the heap: buffers, direct buffers, native memory' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l others -d 'What else lives in the same limit: other programs, files on tmpfs' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l setting -d 'A setting: an environment variable (`GOMEMLIMIT=400MiB`), an option (`-Xmx300m`, `--workers 4`) or, in lower case, a configuration file\'s (`memory_limit=256M`). Several times' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l cgroup -d 'The cgroup version of the container\'s host' -r -f -a "v1\t''
v2\t''"
complete -c why137 -n "__fish_why137_using_subcommand align" -l layout -d 'Where the limit is, and what of it the process can see' -r -f -a "container\t'Its own, as Docker and Kubernetes set it: the process sees its cgroup as the root'
service\t'Its own, as of a systemd service: the process sees the whole hierarchy'
parent\t'On a level above that the process can see, as of a slice'
hidden-parent\t'On a level above that the process cannot see, as of a Kubernetes pod'"
complete -c why137 -n "__fish_why137_using_subcommand align" -l host-memory -d 'The memory of the host; this machine\'s if nothing is said' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l host-cpus -d 'The processors of the host; this machine\'s if nothing is said' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l cpus -d 'The processors that the container may use, a quota (`--cpus`): `0.5`, `2`' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l cpuset -d 'The processors that the container is bound to (`--cpuset-cpus`), by their number' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l reservation -d 'Its soft limit (`--memory-reservation`; `memory.high` on v2)' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l build-setting -d 'Go: a line of the build information, as `go version -m` prints it: `DefaultGODEBUG=containermaxprocs=0`. Several times' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l count -d 'How many such processes run in the container' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand align" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand align" -l apply -d 'Write the diff into the file: it is shown, asked about, and journalled first'
complete -c why137 -n "__fish_why137_using_subcommand align" -l undo -d 'Put back what `--apply` wrote last, into FILE or any, if nobody changed it since'
complete -c why137 -n "__fish_why137_using_subcommand align" -l yes -d 'The answer to the question of `--apply` and `--undo`'
complete -c why137 -n "__fish_why137_using_subcommand align" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand env" -l limit -d 'Reckon with this limit, not with the one in effect' -r
complete -c why137 -n "__fish_why137_using_subcommand env" -l runtime -d 'The runtime that CMD comes to, where it cannot be found out: `java@17`, `node`' -r
complete -c why137 -n "__fish_why137_using_subcommand env" -l worker -d 'The largest worker under load, without what it shares with others: as many workers are asked for as fit. WHY137_WORKER_MIB says the same in MiB' -r
complete -c why137 -n "__fish_why137_using_subcommand env" -l master -d 'The master of the workers, with what they share. WHY137_MASTER_MIB says the same in MiB' -r
complete -c why137 -n "__fish_why137_using_subcommand env" -l processes -d 'Such processes share the limit, each with the same settings (cluster, PM2)' -r
complete -c why137 -n "__fish_why137_using_subcommand env" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand env" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand env" -l print -d 'Show what would be exported, and the sum; run nothing'
complete -c why137 -n "__fish_why137_using_subcommand env" -s q -l quiet -d 'No warnings'
complete -c why137 -n "__fish_why137_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand lint" -l against -d 'Also in what the files and this container differ: its limit, its memory settings, its options' -r
complete -c why137 -n "__fish_why137_using_subcommand lint" -l ignore -d 'Leave out what this rule finds. Several times' -r
complete -c why137 -n "__fish_why137_using_subcommand lint" -l format -d 'The form of the findings' -r -f -a "text\t'For a person'
json\t'For programs'
sarif\t'SARIF 2.1.0, for code scanning'
github\t'Workflow commands, for GitHub\'s annotations'
gitlab\t'A Code Quality report, for GitLab'"
complete -c why137 -n "__fish_why137_using_subcommand lint" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand lint" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand lint" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand lint" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand lint" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand lint" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand lint" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand lint" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand lint" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand lint" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand loops" -l format -d 'The form of the answer; in JSON an array' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand loops" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand loops" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand loops" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand loops" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand loops" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand loops" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand loops" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand loops" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand loops" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand loops" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand loops" -l now -d 'Only what still goes round'
complete -c why137 -n "__fish_why137_using_subcommand loops" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand guard" -l consent -d 'This container may be changed, as it is shown: its restart policy, and its limit for one run under watch' -r
complete -c why137 -n "__fish_why137_using_subcommand guard" -l policy -d 'The restart policy in place of one that restarts without end: `on-failure:N`, or `no`' -r
complete -c why137 -n "__fish_why137_using_subcommand guard" -l limit -d 'The limit for the one run; without it twice the limit at which it died' -r
complete -c why137 -n "__fish_why137_using_subcommand guard" -l format -d 'The form of the summary; in JSON an array' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand guard" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand guard" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand guard" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand guard" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand guard" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand guard" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand guard" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand guard" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand guard" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand guard" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand guard" -l no-trial -d 'Only the restart policy: no run with another limit'
complete -c why137 -n "__fish_why137_using_subcommand guard" -l once -d 'Look once, do what may be done, and end'
complete -c why137 -n "__fish_why137_using_subcommand guard" -l dry-run -d 'Show what would be done, and change nothing'
complete -c why137 -n "__fish_why137_using_subcommand guard" -l undo -d 'Take back what was changed of NAME, or of every container; the newest change first'
complete -c why137 -n "__fish_why137_using_subcommand guard" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand measure" -l pid -d 'A process of this machine: with all that its container or unit holds, else with its descendants' -r
complete -c why137 -n "__fish_why137_using_subcommand measure" -l for -d 'For so long at most; without it 10 minutes, or until the load command ends' -r
complete -c why137 -n "__fish_why137_using_subcommand measure" -l every -d 'One look so often; without it every second, in the first half minute five a second' -r
complete -c why137 -n "__fish_why137_using_subcommand measure" -l requests -d 'A log to which each answered request adds a line; `latency_ms=` in it is read' -r -F
complete -c why137 -n "__fish_why137_using_subcommand measure" -l save -d 'Save the looks as CSV, for `why137 size` and `why137 verify --baseline`' -r -F
complete -c why137 -n "__fish_why137_using_subcommand measure" -l format -d 'The form of the answer' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand measure" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand measure" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand measure" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand measure" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand measure" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand measure" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand measure" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand measure" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand measure" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand measure" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand measure" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand size" -l pid -d 'A process of this machine: with all that its container or unit holds, else with its descendants' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l for -d 'So long it is watched, where it runs; without it a minute, or until the load command ends' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l every -d 'One look so often; without it every second, in the first half minute five a second' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l requests -d 'A log to which each answered request adds a line; `latency_ms=` in it is read' -r -F
complete -c why137 -n "__fish_why137_using_subcommand size" -l save -d 'Save the looks as CSV, for `why137 size` and `why137 verify --baseline`' -r -F
complete -c why137 -n "__fish_why137_using_subcommand size" -l format -d 'The form of the answer' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand size" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand size" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand size" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand size" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand size" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand size" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand size" -l column -d 'CSV: the column that tells the memory; else the one whose name does (`mem_bytes`, `ws_mib`, `used_mib` …)' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l unit -d 'CSV: its unit, where the name does not tell: `bytes`, `mib`, `pct`, `frac`' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l series -d 'CSV: only this series, by its name or a part of it (`pod` of `pod/container`)' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l as-of -d 'CSV: use nothing that came later than this, in the file\'s own time (seconds, or RFC 3339)' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l limit -d 'The limit it has now, where the samples do not tell: `512m`, or a number where they are in percent' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l cap -d 'A cap that you have in mind: is it possible at all?' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l runtime -d 'What runs there, for its ceiling: `node@22.12`, `java@17`; of what runs it is recognised' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l setting -d 'A setting: an environment variable (`GOMEMLIMIT=400MiB`), an option (`-Xmx300m`, `--workers 4`) or, in lower case, a configuration file\'s (`memory_limit=256M`). Several times' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l cgroup -d 'The cgroup version of the container\'s host' -r -f -a "v1\t''
v2\t''"
complete -c why137 -n "__fish_why137_using_subcommand size" -l layout -d 'Where the limit is, and what of it the process can see' -r -f -a "container\t'Its own, as Docker and Kubernetes set it: the process sees its cgroup as the root'
service\t'Its own, as of a systemd service: the process sees the whole hierarchy'
parent\t'On a level above that the process can see, as of a slice'
hidden-parent\t'On a level above that the process cannot see, as of a Kubernetes pod'"
complete -c why137 -n "__fish_why137_using_subcommand size" -l host-memory -d 'The memory of the host; this machine\'s if nothing is said' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l host-cpus -d 'The processors of the host; this machine\'s if nothing is said' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l cpus -d 'The processors that the container may use, a quota (`--cpus`): `0.5`, `2`' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l cpuset -d 'The processors that the container is bound to (`--cpuset-cpus`), by their number' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l reservation -d 'Its soft limit (`--memory-reservation`; `memory.high` on v2)' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l build-setting -d 'Go: a line of the build information, as `go version -m` prints it: `DefaultGODEBUG=containermaxprocs=0`. Several times' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l count -d 'How many such processes run in the container' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand size" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand size" -l killed -d 'The samples end with a kill at the limit: what it wanted is not known'
complete -c why137 -n "__fish_why137_using_subcommand size" -l below-peak -d 'A limit below the highest sample may be advised'
complete -c why137 -n "__fish_why137_using_subcommand size" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand verify" -l baseline -l before -d 'What was before the change: the CSV of `measure --save`, or the JSON of `measure` or `verify`' -r -F
complete -c why137 -n "__fish_why137_using_subcommand verify" -l pid -d 'A process of this machine: with all that its container or unit holds, else with its descendants' -r
complete -c why137 -n "__fish_why137_using_subcommand verify" -l for -d 'For so long at most; without it 10 minutes, or until the load command ends' -r
complete -c why137 -n "__fish_why137_using_subcommand verify" -l every -d 'One look so often; without it every second, in the first half minute five a second' -r
complete -c why137 -n "__fish_why137_using_subcommand verify" -l requests -d 'A log to which each answered request adds a line; `latency_ms=` in it is read' -r -F
complete -c why137 -n "__fish_why137_using_subcommand verify" -l save -d 'Save the looks as CSV, for `why137 size` and `why137 verify --baseline`' -r -F
complete -c why137 -n "__fish_why137_using_subcommand verify" -l format -d 'The form of the answer' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand verify" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand verify" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand verify" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand verify" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand verify" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand verify" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand verify" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand verify" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand verify" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand verify" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand fix" -l baseline -l before -d 'What was before, instead of a watch now: the CSV of `measure --save`' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l file -d 'The Compose file that the container was made by; without it the one that its labels name' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l service -d 'Its service there, where the labels do not tell' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -l limit -d 'This limit, instead of the one that its size comes to' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -l pid -d 'A process of this machine: with all that its container or unit holds, else with its descendants' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -l for -d 'For so long at most; without it 10 minutes, or until the load command ends' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -l every -d 'One look so often; without it every second, in the first half minute five a second' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -l requests -d 'A log to which each answered request adds a line; `latency_ms=` in it is read' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l save -d 'Save the looks as CSV, for `why137 size` and `why137 verify --baseline`' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l format -d 'The form of the answer' -r -f -a "text\t'For a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand fix" -s H -l host -d 'The docker daemon to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -s c -l context -d 'The docker context to ask' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -l config -d 'The folder of the client\'s configuration' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l tls -d 'TLS, whoever the daemon is' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand fix" -l tlsverify -d 'TLS, and the daemon\'s certificate must be good' -r -f -a "true\t''
false\t''"
complete -c why137 -n "__fish_why137_using_subcommand fix" -l tlscacert -d 'Who signed the daemon\'s certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l tlscert -d 'Our own certificate' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l tlskey -d 'The key to it' -r -F
complete -c why137 -n "__fish_why137_using_subcommand fix" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand fix" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand fix" -l yes -d 'The answer to the question whether to do what is shown'
complete -c why137 -n "__fish_why137_using_subcommand fix" -l dry-run -d 'Measure, show what would change, and change nothing'
complete -c why137 -n "__fish_why137_using_subcommand fix" -l keep -d 'Leave the change as it is, also where it does not hold'
complete -c why137 -n "__fish_why137_using_subcommand fix" -l undo -d 'Take back what was changed of NAME, its Compose file too'
complete -c why137 -n "__fish_why137_using_subcommand fix" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand replay" -l policy -d 'The rules, with commas between them' -r
complete -c why137 -n "__fish_why137_using_subcommand replay" -l history -d 'So long each series is only watched before the first limit is set' -r
complete -c why137 -n "__fish_why137_using_subcommand replay" -l column -d 'The column that tells the memory; else the one whose name does (`mem_bytes`, `ws_mib` …)' -r
complete -c why137 -n "__fish_why137_using_subcommand replay" -l unit -d 'Its unit, where the name does not tell: `bytes`, `mib`, `pct`, `frac`' -r
complete -c why137 -n "__fish_why137_using_subcommand replay" -l series -d 'Only this series' -r
complete -c why137 -n "__fish_why137_using_subcommand replay" -l as-of -d 'Use nothing that came later than this, in the file\'s own time (seconds, or RFC 3339)' -r
complete -c why137 -n "__fish_why137_using_subcommand replay" -l svg -d 'Also draw slack against days with a kill, as SVG' -r -F
complete -c why137 -n "__fish_why137_using_subcommand replay" -l format -d 'The form of the answer' -r -f -a "text\t'A table for a person'
json\t'For programs'"
complete -c why137 -n "__fish_why137_using_subcommand replay" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand replay" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand rules" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand rules" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand rules" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand rule" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand rule" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand rule" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand completions" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand completions" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand man" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand man" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand schema" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand schema" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand generate" -l color -d 'When to write colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c why137 -n "__fish_why137_using_subcommand generate" -l width -d 'Columns of the page' -r
complete -c why137 -n "__fish_why137_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "explain" -d 'Explains a death: of a container, or from text'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "list" -d 'Lists every death that this machine still has evidence of; `why137` alone does the same'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "demo" -d 'Shows three real deaths on this machine, and explains each'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "run" -d 'Runs a command in a memory cgroup of its own; if it is killed, tells who did it and why'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "audit" -d 'Tells what a process may grow to beside its limit, by what its runtime believes'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "align" -d 'Tells limit and ceiling as a pair: what to set so that a runtime stays within its limit'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "env" -d 'Tells a command\'s runtime the limit in effect now, and becomes the command: an entrypoint'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "lint" -d 'Looks at Compose files, Dockerfiles, manifests and task definitions for what ends with 137'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "loops" -d 'Finds what dies again and again: restart loops, kills during start-up, respawn storms'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "guard" -d 'Watches for loops; with consent by name it stops the spinning and lets one run show what a start takes'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "measure" -d 'Watches a container under load: what it holds over time, what it cannot give back, its peak'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "size" -d 'Tells the limit it needs by its memory over time, the chance of another kill, and the ceiling beside it'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "verify" -d 'Watches it after a change, and tells whether the change holds, or moved the cost'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "fix" -d 'Measures, sets limit and ceiling as a pair with your consent, and calls it fixed only after the run under load'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "replay" -d 'Plays samples of days through the rules of others and ours: memory left unused against days with a kill'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "rules" -d 'Lists the rules by which a killer is found, and those about files'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "rule" -d 'Shows a rule\'s manual'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "completions" -d 'Writes the completions for a shell'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "man" -d 'Writes the manual page'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "schema" -d 'Writes the JSON schema of the answer'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "generate" -d 'Writes the generated pages, manuals and completions of the source tree'
complete -c why137 -n "__fish_why137_using_subcommand help; and not __fish_seen_subcommand_from explain list demo run audit align env lint loops guard measure size verify fix replay rules rule completions man schema generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
