<?php
// A report over 40 MiB of rows; nothing is kept.
$rows = [];
for ($number = 0; $number < 40 * 256; $number++) {
    $rows[] = str_repeat(chr($number & 127), 4000);
}
usleep(300000);
header('Content-Type: text/plain');
echo count($rows), ' ', ord($rows[300]), "\n";
