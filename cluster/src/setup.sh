#!/bin/sh
# Makes Temporal's schema and index with Temporal's own tools. They take hosts, users and names from the environment:
# CLUSTER_ENDPOINT (DSQL) or SQL_HOST and its like, ES_SERVER, ES_VISIBILITY_INDEX. What is there already is left alone.
#
#     setup.sh dsql|postgresql aws|plain keep|overwrite
#
# `aws` signs calls to the store of visibility and asks for TLS. `overwrite` drops what is there first.
set -u
database=$1 store=$2 overwrite=
[ "$3" = keep ] || overwrite=--overwrite

# Ends at the first part that fails, and names it.
part() {
    name=$1
    shift
    "$@" || { echo "setup: $name: failed"; exit 1; }
    echo "setup: $name: there"
}

search() {
    case $store in
    aws) temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls "$@" ;;
    *) temporal-elasticsearch-tool "$@" ;;
    esac
}

# A new domain takes a while.
answers() {
    tries=30
    until search ping; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 10
    done
}

# One that is not there could not be dropped.
new_index() {
    search create-index && search drop-index && search create-index
}

if [ "$database" = dsql ]; then
    # The version is written when all the rest is there; an update to the version that it has changes nothing.
    if [ -z "$overwrite" ] && temporal-dsql-tool update-schema --schema-name dsql/v12/temporal --version 1.12; then
        echo "setup: schema: was there already"
    else
        part schema temporal-dsql-tool setup-schema --schema-name dsql/v12/temporal --version 1.12 $overwrite
    fi
else
    # Each of these may be done again.
    part database temporal-sql-tool create-database
    part versions temporal-sql-tool setup-schema --version 0.0 $overwrite
    part schema temporal-sql-tool update-schema --schema-name postgresql/v12/temporal
fi
part "store of visibility" answers
part "index template" search setup-schema
if [ -n "$overwrite" ]; then
    part index new_index
else
    part index search create-index
fi
