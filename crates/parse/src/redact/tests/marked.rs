//! What goes and what stays, to the letter: of each text exactly what stands between `«` and `»`
//! vanishes. `¦` stands in tokens of a known make, so that no scanner mistakes this file for a leak.

use super::*;

/// Every text of a table that loses other than what is marked in it.
fn exactly_what_is_marked_vanishes(table: &[&str]) {
    let wrong: Vec<String> = table
        .iter()
        .map(|marked| (marked, redact(Source::Pasted, &unmarked(marked))))
        .filter(|(marked, redacted)| *redacted != hidden(marked))
        .map(|(marked, redacted)| format!("{marked}\n→ {redacted}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arguments_lose_the_word_behind_a_telling_flag() {
    exactly_what_is_marked_vanishes(&[
        "Args: # of the entrypoint\n  --token\n  «x1»\n",
        "command: |\n  app --token «x1» --port 80\n",
        "args: [--token, «x1», -v]\n",
        "args: [--port, 80]\n--token\n",
        "args: [run, --token, «x1»]\n",
        "Args:\n  run it\n    with --token\n  y\n",
        "test: [CMD, redis-cli, -a, «x1», ping]\n",
        "command: [\"--token\", \"«x1»\"]\n",
        "args:\n  - run\n  - --token\n  - «x1»\n  - -v\n",
        "args:\n- sh -c app --token\n- «x1»\n- y\n",
        "Args:\n  --token\n  --verbose\n  y\n",
        "Args:\n  --token\n  true\n",
        "Args:\n  --token=«x1»\n  y\n",
        "Args:\n  --token \\\n  «x1» \\\n  y\n",
        "args:\n- --token\n- '«x1»'\n- \"y\"\n",
        "args:\n- --token\n- |\n  «x1»\n  «x2»\n- y\n",
        "args:\n- --token\n- |2-\n  «x1»\n- y\n",
        "args:\n- --token\n- «|y!»\n- z\n",
        "args:\n- --port\n- |\n  80\n",
        "args:\n- --token\nimage: web\n- y\n",
        "- args:\n  - --token\n  - «x1»\n  name: web\n",
        "  args:\n  - --token\n  - «x1»\n  - y\n image: z\n",
        "Command:\n  mysql\n  -p«hunter»\n  shop\n",
        "Args:\n  -p80\nImage: mysql\n",
        "Args:\n  -phunter\nImage: web\n",
        "> args:\n> - --token\n> - «x1»\n",
        "Args: --token x\n",
    ]);
}

#[test]
fn blocks_lose_the_values_that_nothing_reads() {
    exactly_what_is_marked_vanishes(&[
        "kind: Secret\ndata:\n  x: «eA==»\n---\nkind: ConfigMap\ndata:\n  x: y\n",
        "kind: Pod\ndata:\n  x: y\n",
        "- kind: Secret\n  stringData:\n    x: «y»\n",
        "- env:\n  - name: A\n    value: «x1»\n",
        "env: # of the pod\n  A: «x1»\n",
        "env: []\n  A: b\n",
        "env: {}\n  A: b\n",
        "env: <none>\n  A: b\n",
        "env: [A=«x1», B=«x2»]\n",
        "environment: {A: «x1», GOGC: 50}\n",
        "labels: {app: web, owner: «x1»}\n",
        "labels: [«x1 y»]\n",
        "env: 'a'\n  A: b\n",
        "env: a\n  A: b\n",
        "Labels:  app=web\n         owner=«x1»\nStatus:  owner=x2\n",
        "Labels:  owner=«x1»\nStatus:  Running\n",
        "Labels:  \"owner=«x1»\"\n",
        "env: {}\nlabels: []\nA: b\n",
        "env:\n  A: «'»\n",
        "Annotations:  <none>\n  a: b\n",
        "labels: owner=x\n  a: b\n",
        "env:\n  A: '«x1»'\n  B: \"«x2»\"\n  C: «it's»\n",
        "env:\n- 'A=«x1»'\n- \"B=«x2»\"\n- C='«x3»'\n- D\n- «not a name»\n",
        "env:\n  A:\n  B: |\n    «x1»\n  C: >-\n    «x2»\n  D: «x3»\nimage: web\n",
        "env:\n- name: A\n  valueFrom:\n    secretKeyRef:\n      name: n\n      key: k\n- name: B\n  value: «x1»\n",
        "env:\n- name: A\n  valueFrom:\n    secretKeyRef: {name: n}\n  value: «x1»\n",
        "env:\n- name: 'GOGC'\n  value: '50'\n- value: «5»\n",
        "env:\n- value: «50»\n  name: GOGC\n",
        "env:\n- name: «A B»\n  value: «x1»\n",
        "env:\n- name:\n  value: «x1»\n",
        "env:\n  name: web\n  value: «x1»\n",
        "env:\n  GOGC: 50 MEMORY\n  A: «x1»\n",
        "  env:\n    A: «x1»\n\n    B: «x2»\n  image: web\n    C: y\n",
        "labels:\n- owner=x\n",
        "env:\n- A=«x1»\nlabels:\n  owner: «x2»\n  app: web\n",
        "env:\n  A: «x1»\n2026-05-27T18:42:10.3Z container die 3fc28fa1c647ceede (exitCode=137, name=api, z=«1»)\n  B: y\n",
        "> env:\n> - name: A\n>   value: «x1»\n> image: web\n",
        "env:\n  A: «x1 # c»\n",
        "env:\n  \"A\": «x1»\n",
        "env:\n  A=«B: x1»\n",
    ]);
}

#[test]
fn a_private_key_is_hidden_line_by_line() {
    exactly_what_is_marked_vanishes(&[
        "-----BEGIN PRIVATE KEY-----\n«MIIEx1»\n-----END PRIVATE KEY-----\nMIIEx2\n",
        "-----BEGIN PUBLIC KEY-----\nMIIEx1\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED!\nMIIEx1\n",
        "-----BEGIN PRIVATE KEY-----\n\nMIIEx1\n",
        "-----BEGIN PRIVATE KEY-----«MIIEx1»-----END PRIVATE KEY----- y\n",
        "-----BEGIN PRIVATE KEY-----«MIIEx1»\nMIIEx2\n",
        "k='-----BEGIN PRIVATE KEY-----«MIIEx1»'\n",
        "k='-----BEGIN PRIVATE KEY-----'\n",
        "-----BEGIN CERTIFICATE-----MIIEx1-----END CERTIFICATE-----\n",
        "web_1 | -----BEGIN PRIVATE KEY-----\nweb_1 | «MIIEx1»\nweb_1 | -----END PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----\nMIIEx1\n",
    ]);
}

#[test]
fn an_events_attributes_are_kept_if_the_runtime_wrote_them() {
    exactly_what_is_marked_vanishes(&[
        "t container die 3fc28fa1c647 (exitCode=137, image=api:1, owner=«x1, y», name=api)",
        "t container die 3fc28fa1c64 (owner=x1)",
        "t container die 3fc28fa1c647 (owner=)",
        "t container die somebodyelse (owner=x1)",
        "t container die 3fc28fa1c647 (owner)",
        "t container die 3fc28fa1c647 (a b=c)",
        "t container die 3fc28fa1c647 (name=api (x), owner=«x1»)  ",
        "t (x) die 3fc28fa1c647 (name=«ghp_¦Ab3dEf9hIj2lMn0pQr»)",
    ]);
}

#[test]
fn the_kernels_lines_stay_but_for_a_token_of_a_known_make() {
    exactly_what_is_marked_vanishes(&[
        "[   83.469293] token=x1",
        "[   83.46] token=«x1»",
        "[   a.469293] token=«x1»",
        "[   .469293] token=«x1»",
        "[   83.46929a] token=«x1»",
        "[83] token=«x1»",
        "> | [   83.469293] token=x1",
        "6,1234,83469293,-;token=x1",
        "6,1234,83469293;token=«x1»",
        "6,12a4,83469293,-;token=«x1»",
        "6,,83469293,-;token=«x1»",
        "6,1234,83469293,-,caller=T1;token=x1",
        "May 27 18:42:10 host a kernel: token=x1",
        "May 27 18:42:10 host a b kernel: token=«x1»",
        "Task in /a killed as a result of limit of /b token=x1",
        "Task in /a token=«x1»",
        "x Task in /a killed as a result of limit of /b token=«x1»",
        "x oom-kill:constraint=y token=x1",
        "java invoked oom-killer: token=x1",
        "[   83.469293] run «ghp_¦Ab3dEf9hIj2lMn0pQr5tUv8xYz1B» ok",
    ]);
}

#[test]
fn variables_given_to_a_command_lose_their_values() {
    exactly_what_is_marked_vanishes(&[
        "docker run -e A=«x1» -e B='«x 2»' -e C=\"«x3»\" -e D img -e",
        "docker run -e A= img",
        "docker run -e A='' img",
        "docker run -e a=«1» img",
        "docker run -ea=1 img",
        "run -e A=«x1» -e b=2",
        "run --env b=«x1» --environment c=d",
        "--env-file a=b",
        "--env=b=«x1» c=d",
        "run --env=b=«x1» c=d",
        "run -e A_1=«x1» -e B=«x2»",
        "docker run -e  A=«x1»  img",
        "-e b=«x1»",
        "x -e 1b=2 -e B=«2»",
        "docker run -e GOGC=50 -e A=«x1;»",
        "docker run -e 'A=«x1»' img",
        "docker run -e \\\"A=«x1»\\\" img",
        "docker run\t-e\tA=«x1»\timg",
        "docker\0run\0-e\0A=«x1»\0img",
        "Environment=GOGC=50 A=«x1» \"B=«x 2»\" C",
        "  Environment=A=«x1»",
        "x Environment=A=b",
        "docker run -e A=\"«open x1»",
        "[A=«1 b=2» C=«3»]",
        "x [A=«1»] y",
        "x [A=«1 y»",
        "x [ A=1] y",
        "x [a=1 B=2] y",
        "[1A=1 B=2]",
        "[=1]",
        "[A= B=«2»]",
        "[GOGC=50 A=«1»]",
        "[A_1=«1 x» B=«2»]",
        "[x] [A=«1»]",
    ]);
}

#[test]
fn clients_passwords_are_found_where_each_client_takes_them() {
    exactly_what_is_marked_vanishes(&[
        "mysql -uroot -p«x1» -p shop; mysql -p x",
        "mysql -u root && echo -px1y",
        "sshpass -p '«x1»' ssh",
        "redis-cli -a «x1» -p 6379",
        "(redis-cli -a «x1»)",
        "redis-cli; x -a y",
        "curl --user a:«x1» -u b http://x",
        "wget -ua:«x1» x",
        "docker login -u a -p «x1» r",
        "docker login -p=x y",
        "psql -p5432 -p«x1»",
        "mysql -p3306:3306 -p127.0.0.1:80-81",
        "mysql -p«<redacted>»",
        "mysql -p$X",
        "7z a -p«x1» f",
        "sqlcmd -P «x1» -S db",
        "/opt/bin/redis-cli -a «x1»",
        "xredis-cli -a y",
    ]);
}

#[test]
fn headers_lose_what_follows_their_scheme() {
    exactly_what_is_marked_vanishes(&[
        "x authorization basic \"y\"",
        "Bearer «abc.def.ghi1»",
        "Bearer abc.def.gh1",
        "bearer authorization-code-flow",
        "bearer «authorization_code_flow»",
        "x authorization: «Digest» «x1» y",
        "x authorization Basic «x1» y",
        "x basic x1 y",
        "x authorization: «bearer» «x1», y",
        "bearer «<redacted>»",
        "{'authorization': '«Basic x1»'}",
    ]);
}

#[test]
fn a_telling_name_hides_the_value_that_is_joined_to_it() {
    exactly_what_is_marked_vanishes(&[
        "a token=«x1» b",
        "a token = «x1» b",
        "a token= x1",
        "a token => «x1» b",
        "a token := «x1» b",
        "a token == x1",
        "a token::x",
        "a token://x",
        "a token://x+1",
        "a token=«//x+1»",
        "a token: «x1» b",
        "token: «x1 b»",
        "a token:«x1x» b",
        "token:1.2.3 token:v2 token:latest token:3.19-alpine token:v1.2,",
        "token:«1_2»",
        "token:«12»",
        "token:«v.x»",
        "a/token:x1",
        "token-server:x1",
        "{'auth':'«x1y»'}",
        "--token,x1",
        "token\0x1 y",
        "token-server: x1",
        "auth: x y",
        "auth: «x1x» y",
        "auth: abcdefghijklmno y",
        "auth: «abcdefghijklmnop» y",
        "x auth: abc",
        "auth: «abc»",
        "auth:x1x",
        "auth=«x1»",
        "\"auth\": abc d",
        "\"auth\": \"«abc»\" d",
        "{'auth': «abc»}",
        "SessionToken.java:42",
        "SessionToken.x:«x1»",
        "--token «x1» y",
        "--token -v y",
        "--token  «x1» y",
        "token x1 y",
        "--token\0«x1»\0y",
        "'--token' x",
        "--token=\"«x \\\" 1»\" y",
        "--token='«x \\ 1»' y",
        "--token=`«x 1»` y",
        "--token=\\\"«x 1»\\\" y",
        "--token=\"«x 1»",
        "--token=\"«x 1» ",
        "password=«x1»,user=b",
        "password=«x1,y» b",
        "password=«x1», b",
        "password=«x1»); b",
        "(password=«x1»)",
        "f(password: «x1», b=2)",
        "--token «f(x)» y",
        "http://h/?token=«x1»&b=2",
        "token=«x1&b=2»",
        "x?a=1 token=«x1&b=2»",
        "Cookie: «a=1; b=2»",
        "x Cookie: «a=1; b=2»",
        "x cookie=«a=1»; b=2",
        "password=true token=$X secret=${X} pwd=*** pass=«<set» to x> passwd=null",
        "password: «x\\\"»",
        "- password: «x1 y»  ",
        "DB_PASSWORD_FILE=/x token_count=5 max_tokens=3",
        "passwort=x kennwort=y",
    ]);
}

#[test]
fn what_has_no_name_is_told_by_its_shape() {
    exactly_what_is_marked_vanishes(&[
        "run «Ab3dEf9hIj2lMn0pQr5tUv8xYz1BCd4e» now",
        "run Ab3dEf9hIj2lMn0pQr5tUv8xYz1BCd4 now",
        "k=«Ab3dEf9hIj2lMn0pQr5tUv8xYz1BCd4e»",
        "k=«Ab3dEf9hIj2lMn0pQr5tUv8xYz1BCd4e==»",
        "../Ab3dEf9hIj2lMn0p/Qr5tUv8xYz1BCd4e ./Ab3dEf9hIj2lMn0p/Qr5tUv8xYz1BCd4e",
        "../x Ab3-dEf-9hI-j2l-Mn0-pQr-5tU-v8x-Yz1-BCd-4e",
        "«abQR01cdST23efgUVW456hijXYZ789klAB01»",
        "abQR01cdST23efgUVW456hijXYZ789klmABC",
        "ab3def9hij2lmn0pqr5tuv8xyz1bcd4e",
        "AB3DEF9HIJ2LMN0PQR5TUV8XYZ1BCD4E",
        "AKIA¦IOSF0DNN7EXAMPL",
        "«AKIA¦IOSF0DNN7EXAMPLE»",
        "xAKIA¦IOSF0DNN7EXAMPLE",
        "x_«AKIA¦IOSF0DNN7EXAMPLE»",
        "«xoxb-¦12345678»",
        "xoxb-¦1234567",
        "xoxb-¦abcdefgh",
        "«xoxb-¦abcdEfgh»",
        "x/«xoxb-¦12345678.y»",
        "eyJ¦hbGciOiJIUzI1NiJ",
        "«eyJ¦hbGciOiJIUzI1Ni.x»",
        "eyJ¦aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "«eyJ¦aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa»",
        "sk-¦learn-worker-1234567",
        "«sk-¦abcdefghijk1lmno»",
        "sk-¦abcdefghijk-1lmno",
        "sk-¦abcdefghijklmnop",
        "sk-¦abcdefghij1lm",
        "http://a:«b»@c http://a:@c http://:«b»@c http://a@c http://«abcdefghijklmno1»@c",
        "http://abcdefghijklmn1@c http://abcdefghijklmnop@c",
        "http://h:80/a@b http://h:«x/a»@b",
        "http://a:«b?c#d»@e",
        "a://b c:d@e",
        "'a://b:«c»@d'|x:y@z",
    ]);
}

#[test]
fn json_is_found_where_it_begins() {
    exactly_what_is_marked_vanishes(&[
        r#"{"token":"«x1»"]"#,
        "{\"a\":1,\n  env:\n    A: «x1»\n  b: c\n",
        "{\"env\":{\"A\":\"«x1»\",\n\"B\":\"«x2»\" word}}",
        r#"{"Path":"mysql","x":{"y":["-px1"]}}"#,
        r#"{"Labels":{"name":"«a»","value":"«b»"}}"#,
        r#"x "a b": "{\"Labels\":{\"o\":\"p\"}}""#,
        r#"x "ab": "{\"Labels\":{\"o\":\"«p»\"}}""#,
        r#"x "": "{\"Labels\":{\"o\":\"p\"}}""#,
        r#"{"apiVersion":"v1","kind":"Secret","data":{"x":"«b»"}}"#,
        r#"{"a b":"{\"Labels\":{\"o\":\"«p»\"}}"}"#,
        r#""Labels" : {"o": "«p»"}"#,
        r#"{"env":[{"name":"A","value":"«x1»"},{"name":"B","value":"«x2»"}],"x":"y"}"#,
        "x {\"token\":\"«a1»\"} token=«b»",
        "{ \"token\": \"«a1»\" }",
        "[{\"token\":\"«a1»\"}]",
        "[\"--token\",\"«a1»\"]",
        "{\n  \"token\": \"«a1»\"\n}\ntoken=«b»\n",
        "[\n  \"--token\",\n  \"«a1»\"\n]\n",
        "x {\n  y\n}\n",
        "\"token\": \"«a1»\",\n\"b\": 1",
        "\"Labels\": {\"o\": \"«p»\"}",
        "> \"A=«b»\",\n> \"C=«d»\"",
        "\"a=b\",\n",
        "\"=b\",\n",
        "\"A B=c\",\n",
        "\"_A1=«b»\"",
        "\"1A=b\"",
        "x \"A=b\"",
        "\"\": \"x\" \"password\": \"«y»\"",
    ]);
}

#[test]
fn what_stands_under_a_key_is_hidden_by_what_the_key_is_for() {
    exactly_what_is_marked_vanishes(&[
        "{\"Env\":[\"A=«b»\",\"GOGC=50\",\"C\",\"D=\"]}",
        "{\"extraEnv\":[{\"name\":\"A\",\"value\":\"«b»\"},{\"name\":\"GOGC\",\"value\":\"50\"}]}",
        "{\"environmentVariables\":[{\"key\":\"A\",\"value\":\"«b»\"}]}",
        "{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"n\",\"key\":\"k\"}}}]}",
        "{\"env\":[{\"name\":\"A\",\"password\":\"x\"}]}",
        "{\"Env\":\"A=«b»\"}",
        "{\"environment\":\"GOGC=50\"}",
        "{\"parameters\":[{\"name\":\"token\",\"value\":\"«b»\"},{\"name\":\"size\",\"value\":\"big\"}]}",
        "{\"name\":\"size\",\"value\":\"token=«b»\"}",
        "{\"key\":\"token\",\"value\":\"«b»",
        "{\"Labels\":{\"app\":\"web\",\"owner\":\"«b»\",\"n\":5},\"x\":\"y\"}",
        "{\"annotations\":\"app=web,owner=«b»,,«c»\"}",
        "{\"Labels\":[\"app=web\",\"owner=«b»\"]}",
        "{\"Actor\":{\"Attributes\":{\"name\":\"web\",\"app\":\"web\",\"owner\":\"«b»\"}}}",
        "{\"LogConfig\":{\"Config\":{\"max-size\":\"1m\",\"tag\":\"«b»\",\"n\":5}},\"x\":{\"Config\":{\"tag\":\"b\"}}}",
        "{\"logConfiguration\":{\"options\":{\"mode\":\"non-blocking\",\"tag\":\"«b»\"}},\"options\":{\"tag\":\"b\"}}",
        "{\"kind\":\"SecretList\",\"data\":{\"x\":\"b\"}}",
        "{\"kind\" : \"Secret\",\"data\":{\"x\":\"«b»\"}}",
        "{\"kind\":\"Pod\",\"data\":{\"x\":\"b\"}}",
    ]);
}

#[test]
fn a_telling_key_hides_strings_and_no_switches() {
    exactly_what_is_marked_vanishes(&[
        "{\"password\":\"«b»\",\"auth\":\"«c»\",\"token\":true,\"secretName\":\"x\"}",
        "{\"password\":null,\"tokens\":[\"a\"]}",
        "{\"password\":[\"«b»\",\"true\"],\"auth\":[\"c\"]}",
        "{\"password\":\"/run/secrets/db\",\"x\":\"http://u:«p»@h\"}",
        "{\"password\":{\"x\":\"b\"}}",
        "{\"id\":\"password=x1\",\"Image\":\"token:v2\",\"name\":\"«ghp_¦Ab3dEf9hIj2lMn0pQr»\"}",
        "{\"msg\":\"password=«b» c\"}",
        "{\"msg\":\"a\\n[   83.469293] token=x\\ntoken=«y»\"}",
    ]);
}

#[test]
fn an_arrays_words_are_read_as_a_command() {
    exactly_what_is_marked_vanishes(&[
        "{\"Args\":[\"--token\",\"«a»\",\"b\"]}",
        "{\"Args\":[\"--token\",\"--b\",\"c\"]}",
        "{\"Args\":[\"--token=«a»\",\"b\"]}",
        "{\"Args\":[\"-a\",\"«b»\",\"-a\",\"-c\"],\"Cmd\":[\"-a\",\"b\"]}",
        "{\"Args\":[\"-e\",\"A=«b»\",\"--env\",\"C=«d»\",\"E=f\"]}",
        "{\"Cmd\":[\"mysql\",\"-p«x1»\"]}",
        "{\"x\":[\"mysql\",\"-p«x1»\"]}",
        "{\"x\":[\"-px1\"],\"y\":\"mysql\"}",
        "{\"args\":[\"-p«x1»\"],\"y\":\"mysql\"}",
        "{\"Path\":\"redis-cli\",\"Args\":[\"-h\",\"x\",\"-a\",\"«b»\"]}",
        "{\"Entrypoint\":\"redis-cli\",\"x\":[\"-a\",\"«b»\"]}",
        "{\"x\":[[\"--token\",\"«b»\"]]}",
    ]);
}

#[test]
fn json_ends_where_it_is_none_any_more() {
    exactly_what_is_marked_vanishes(&[
        "{\"token\":\"«a»\"} ] token: «b» c",
        "{\"a\":1]\ntoken=«b»\n",
        "{\"token\":\"«a»",
        "{\"token\":\"«a»\nb\"}",
        "{\"a\":1,\n...\n\"token\":\"«b»\"}",
        "{\"a\":1,\n> \"token\":\"«b»\"}",
        "{\"a\":1,\nnext line token=«b»\n",
        "{\"a\":next token=«b»}",
        "{\"a\":1x,\"password\":\"«b»\"}",
        "{\"\\u0070assword\":\"x\"}",
        "{\"a\\\"b\":\"c\",\"password\":\"«d\\\"e»\"}",
        "{\"password\":\"«b\\\\»\",\"c\":\"d\"}",
        "{\"x\":\"{\\\"password\\\":\\\"«b»\\\"}\"}",
        "{\"a\":1} {\"Labels\":{\"o\":\"«p»\"}} auth: «x1x» y",
    ]);
}

#[test]
fn a_number_that_goes_becomes_a_string_so_that_json_stays_json() {
    for (text, redacted) in [
        (
            r#"{"env":{"A":"b","GOGC":"50","N":5,"T":true}}"#,
            r#"{"env":{"A":"<redacted>","GOGC":"50","N":"<redacted>","T":true}}"#,
        ),
        (
            r#"{"kind":"Secret","stringData":{"x":"b","n":5},"y":5}"#,
            r#"{"kind":"Secret","stringData":{"x":"<redacted>","n":"<redacted>"},"y":5}"#,
        ),
        (
            r#"{"password":12,"auth":12,"exit":12,"tokens":[12]}"#,
            r#"{"password":"<redacted>","auth":12,"exit":12,"tokens":[12]}"#,
        ),
        (r#"{"a":-1.5e+3,"password":-1.5}"#, r#"{"a":-1.5e+3,"password":"<redacted>"}"#),
        (
            r#"{"env":{"GOGC":50,"A":NaN,"B":"b"},"Env":[5]}"#,
            r#"{"env":{"GOGC":50,"A":"<redacted>","B":"<redacted>"},"Env":[5]}"#,
        ),
        (r#"{"Labels":{"owner":5,"x":"y"}}"#, r#"{"Labels":{"owner":5,"x":"<redacted>"}}"#),
    ] {
        assert_eq!(redact(Source::Pasted, text), redacted);
    }
}

#[test]
fn a_kernel_logs_words_stay_whatever_they_look_like() {
    let text = "app: password=x1 token y\r\nhttp://u:p@h\n";
    assert_eq!(
        redact(Source::KernelLog, text),
        "app: password=x1 token y\r\nhttp://u:<redacted>@h\n"
    );
    // In a program's own log a line that looks like the kernel's is the program's.
    let line = "[   83.469293] password=x1";
    assert_eq!(redact(Source::ApplicationLog, line), "[   83.469293] password=<redacted>");
    assert_eq!(redact(Source::Journal, line), line);
}

#[test]
fn json_in_strings_of_json_is_read_four_deep() {
    let nested = |levels: usize| {
        let mut text = r#"{"Labels":{"owner":"somebody"}}"#.to_owned();
        for _ in 0..levels {
            text = serde_json::json!({ "log": text }).to_string();
        }
        redact(Source::Pasted, &text)
    };
    for levels in 0..4 {
        assert!(!nested(levels).contains("somebody"), "{levels}");
    }
    assert!(nested(4).contains("somebody"));
}

#[test]
fn so_many_documents_of_one_line_are_read() {
    let one = r#"{"Labels":{"owner":"somebody"}} "#;
    let kept = |documents: usize| {
        redact(Source::Pasted, &one.repeat(documents)).matches("somebody").count()
    };
    assert_eq!((kept(500), kept(503)), (0, 3));
    let lines = |documents: usize| {
        redact(Source::Pasted, &format!("{one}\n").repeat(documents)).matches("somebody").count()
    };
    assert_eq!(lines(600), 0);
}

#[test]
fn a_long_line_is_cut_between_words() {
    let filler = "word ".repeat(818);
    for before in ["", "x ", "xx ", "xxx "] {
        let text = format!("{filler}{before}password=hunter token=abc1 end");
        let redacted = format!("{filler}{before}password=<redacted> token=<redacted> end");
        assert_eq!(redact(Source::Pasted, &text), redacted);
    }
    let text = format!("{}password=hunter more words", "word ".repeat(816));
    let redacted = format!("{}password=<redacted> more words", "word ".repeat(816));
    assert_eq!(redact(Source::Pasted, &text), redacted);
    // Without a blank it is cut between characters, and nothing is lost or said twice.
    let text = "é".repeat(5000);
    assert_eq!(redact(Source::Pasted, &text), text);
}

#[test]
fn what_one_round_uncovers_the_next_one_hides() {
    exactly_what_is_marked_vanishes(&[
        "environment:\n  - \"A=«x1 {\\\"a\\\": 1}»\"\n psql -h db -p«x2» curl -u admin:«x3»",
    ]);
}

#[test]
fn lines_keep_their_ends() {
    for text in ["a\r\nb\n", "a\n\nb", "\r\n", "token=x\r\n", "{\"token\":\"x\"}\r\nb\r\n"] {
        let redacted = redact(Source::Pasted, text);
        assert_eq!(redacted.matches("\r\n").count(), text.matches("\r\n").count(), "{text:?}");
        assert_eq!(redacted.matches('\n').count(), text.matches('\n').count(), "{text:?}");
    }
}
