{ # Login sources are kept in its database, and only its own command makes them. The secret can be given to it as an
# argument only, so it stands in the container's list of processes for a moment.
# The name is part of the address that the sign-in comes back to.
source_id() { forgejo admin auth list | awk 'NR > 1 && $2 == "authentik" { print $1 }'; }
set -- --name authentik --provider openidConnect --key 'forgejo' --secret "$(cat /run/secrets/forgejo_oidc)" \
  --auto-discover-url 'https://auth.example.com/application/o/forgejo/.well-known/openid-configuration' --scopes openid --scopes email --scopes profile --skip-local-2fa \
  --group-claim-name groups --admin-group 'homelab-admin' --restricted-group ''
id="$(source_id)"
if [ -n "$id" ]; then
  forgejo admin auth update-oauth --id "$id" "$@"
else
  forgejo admin auth add-oauth "$@"
fi
test -n "$(source_id)"
} </dev/null
