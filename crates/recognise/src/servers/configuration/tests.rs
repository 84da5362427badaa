//! Configuration files in a root of their own.

use std::fs;
use std::path::Path;

use super::*;

fn look(root: &Path, arguments: &[&str]) -> Look {
    let folder = root.join("proc");
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(root.join("tree"), folder.join("root")).unwrap();
    std::os::unix::fs::symlink("/data", folder.join("cwd")).unwrap();
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    Look { folder, mapped: Vec::new(), arguments }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join("tree").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn last<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn fpms_pools_are_added_up_and_the_largest_limit_counts() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "etc/php/fpm.conf", "[global]\ninclude=/etc/php/pool.d/*.conf\n");
    write(root.path(), "etc/php/pool.d/a.conf", "[a]\npm.max_children = 5\n;pm.max_children = 9\n");
    let second = "[b]\npm.max_children = 3\nphp_admin_value[memory_limit] = 1G\n";
    write(root.path(), "etc/php/pool.d/b.conf", second);
    let third = "[c]\nphp_admin_value[memory_limit] = 256M ; enough\n";
    write(root.path(), "etc/php/pool.d/c.conf", third);
    write(root.path(), "etc/php/pool.d/c.conf.bak", "pm.max_children = 100\n");
    write(root.path(), "etc/php/php.ini", "memory_limit = 128M\nsecret = x\n");
    write(root.path(), "etc/php/conf.d/10-opcache.ini", "opcache.memory_consumption=64\n");
    let look = look(root.path(), &["process", "(/none)"]);
    let title = Look { arguments: vec!["master process (/etc/php/fpm.conf)".to_owned()], ..look };
    let found = php(&title, b"\0/etc/php/conf.d\0");
    assert_eq!(last(&found, "pm.max_children"), Some("8"));
    assert_eq!(last(&found, "php_admin_value[memory_limit]"), Some("1G"));
    assert_eq!(last(&found, "memory_limit"), Some("128M"));
    assert_eq!(last(&found, "opcache.memory_consumption"), Some("64"));
    assert_eq!(last(&found, "secret"), None);
}

#[test]
fn postgres_reads_its_data_directory_and_the_automatic_file_wins() {
    let root = tempfile::tempdir().unwrap();
    let main = "shared_buffers = 256MB # of 1 GB\nwork_mem 8MB\ninclude_dir 'conf.d'\n";
    write(root.path(), "data/postgresql.conf", main);
    write(root.path(), "data/conf.d/a.conf", "max_connections=50\n");
    write(root.path(), "data/postgresql.auto.conf", "shared_buffers = '64MB'\n");
    let here = look(root.path(), &["-D", "/data"]);
    let found = postgres(&here);
    assert_eq!(last(&found, "shared_buffers"), Some("64MB"));
    assert_eq!(
        (last(&found, "work_mem"), last(&found, "max_connections")),
        (Some("8MB"), Some("50"))
    );
    write(root.path(), "etc/pg.conf", "shared_buffers = 1GB\n");
    let arguments = ["-c", "config_file=/etc/pg.conf"].map(str::to_owned).to_vec();
    let found = postgres(&Look { arguments, ..here });
    assert_eq!((last(&found, "shared_buffers"), last(&found, "work_mem")), (Some("64MB"), None));
}

#[test]
fn nginxs_workers_are_read_from_option_file_or_the_compiled_path() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        "etc/nginx/nginx.conf",
        "user x;\n# worker_processes 9;\nworker_processes  auto;\n",
    );
    write(root.path(), "data/own.conf", "worker_processes 4; worker_processes_x 5;\n");
    let constants = b"\0/etc/nginx/nginx.conf\0";
    let here = look(root.path(), &["master process nginx -g daemon off;"]);
    assert_eq!(last(&nginx(&here, constants), "worker_processes"), Some("auto"));
    let of = |title: &str| {
        let arguments = vec![title.to_owned()];
        let folder = here.folder.clone();
        nginx(&Look { folder, mapped: Vec::new(), arguments }, constants)
    };
    assert_eq!(last(&of("master process nginx -c own.conf"), "worker_processes"), Some("4"));
    let global = of("master process nginx -g worker_processes 3; daemon off;");
    assert_eq!(last(&global, "worker_processes"), Some("3"));
}

#[test]
fn mariadbs_server_groups_count_and_the_clients_do_not() {
    let root = tempfile::tempdir().unwrap();
    let main = "[client]\nmax_connections=1\n!includedir /etc/mysql/conf.d/\n";
    write(root.path(), "etc/mysql/my.cnf", main);
    let server =
        "[mariadb-10.11]\ninnodb-buffer-pool-size = 1G # half\n[mysqldump]\nmax_connections=2\n";
    write(root.path(), "etc/mysql/conf.d/50-server.cnf", server);
    let here = look(root.path(), &[]);
    let found = mariadb(&here);
    assert_eq!(found, [("innodb_buffer_pool_size".to_owned(), "1G".to_owned())]);
    let arguments = vec!["--no-defaults".to_owned()];
    assert!(mariadb(&Look { arguments, ..here }).is_empty());
}

#[test]
fn rediss_file_is_the_first_word_while_it_stands_there() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "etc/redis.conf", "maxmemory 100mb\nrequirepass x\nsave \"\"\n");
    let here = look(root.path(), &["/etc/redis.conf"]);
    let found = redis(&here);
    assert_eq!((last(&found, "maxmemory"), last(&found, "requirepass")), (Some("100mb"), None));
    let arguments = ["redis-server", "*:6379"].map(str::to_owned).to_vec();
    assert!(redis(&Look { arguments, ..here }).is_empty());
}
